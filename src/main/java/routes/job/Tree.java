package routes.job;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * Goes through directories that somebody else may be changing meanwhile. Every name is looked up in
 * the directory that is open (openat, fstatat, unlinkat) and no link is followed, so that nobody
 * can lead it out of where it began by swapping a directory for a link between a look and a step.
 */
final class Tree {
  /** Levels. Each holds two open files; no course is that deep. */
  static final int DEEPEST = 64;

  private Tree() {}

  /** Told of everything in a tree but its root, each directory before what is in it. */
  interface Visitor {
    /**
     * @param directory where it is
     * @param name in that directory
     * @param path from the root on
     */
    void visit(
        SecureDirectoryStream<Path> directory, Path name, Path path, BasicFileAttributes attributes)
        throws IOException, Permanent;

    /** A directory was opened, the root too, and nothing of it has been read yet. */
    default void opened(SecureDirectoryStream<Path> directory) throws IOException {}

    /**
     * Something went, or became something else, between two looks at it.
     *
     * @throws IOException where it matters
     */
    default void changed(IOException failure) throws IOException {
      throw failure;
    }
  }

  /**
   * @param root in a directory that no downloader can change
   * @throws NotDirectoryException if it is a link, or anything else but a directory
   * @throws Permanent if it is deeper than {@link #DEEPEST}
   * @throws IOException if it cannot be read
   */
  static void walk(Path root, Visitor visitor) throws IOException, Permanent {
    try (SecureDirectoryStream<Path> directory = open(root)) {
      walk(directory, Path.of(""), 1, visitor);
    }
  }

  private static void walk(
      SecureDirectoryStream<Path> directory, Path path, int depth, Visitor visitor)
      throws IOException, Permanent {
    visitor.opened(directory);
    for (Path entry : directory) {
      Path name = entry.getFileName();
      Path inner = path.resolve(name);
      try {
        BasicFileAttributes attributes = attributes(directory, name);
        visitor.visit(directory, name, inner, attributes);
        if (attributes.isDirectory()) {
          if (depth == DEEPEST) {
            throw new Permanent(
                "Expected at most " + DEEPEST + " directories in each other, found more");
          }
          try (SecureDirectoryStream<Path> next = open(directory, name, attributes)) {
            walk(next, inner, depth + 1, visitor);
          }
        }
      } catch (FileSystemException failure) {
        visitor.changed(failure);
      }
    }
  }

  /**
   * @param root in a directory that no downloader can change
   * @throws NotDirectoryException if it is a link, or anything else but a directory
   */
  static SecureDirectoryStream<Path> open(Path root) throws IOException {
    return open(
        root, Files.readAttributes(root, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS));
  }

  static SecureDirectoryStream<Path> open(Path root, BasicFileAttributes seen) throws IOException {
    return open(root.getFileName(), seen, () -> open(Files.newDirectoryStream(root.resolve("."))));
  }

  private static SecureDirectoryStream<Path> open(DirectoryStream<Path> stream) throws IOException {
    if (stream instanceof SecureDirectoryStream<Path> secure) {
      return secure;
    }
    stream.close();
    throw new IOException("Expected a system that can open files in a directory");
  }

  /**
   * @throws NotDirectoryException if it is a link, or anything else but a directory
   */
  static SecureDirectoryStream<Path> open(SecureDirectoryStream<Path> parent, Path name)
      throws IOException {
    return open(parent, name, attributes(parent, name));
  }

  static SecureDirectoryStream<Path> open(
      SecureDirectoryStream<Path> parent, Path name, BasicFileAttributes seen) throws IOException {
    return open(
        name, seen, () -> parent.newDirectoryStream(name.resolve("."), LinkOption.NOFOLLOW_LINKS));
  }

  /** How a directory is opened. */
  private interface Opening {
    SecureDirectoryStream<Path> open() throws IOException;
  }

  /**
   * "name/." can be opened of directories alone: to open a FIFO that came in its place would hang
   * until somebody writes to it. That leads through a link which came in its place; so what was
   * opened is compared with what was seen.
   */
  private static SecureDirectoryStream<Path> open(
      Path name, BasicFileAttributes seen, Opening opening) throws IOException {
    if (!seen.isDirectory()) {
      throw new NotDirectoryException(Shown.text(name.toString()));
    }
    SecureDirectoryStream<Path> opened = opening.open();
    try {
      if (opened
          .getFileAttributeView(BasicFileAttributeView.class)
          .readAttributes()
          .fileKey()
          .equals(seen.fileKey())) {
        return opened;
      }
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
    opened.close();
    throw new NotDirectoryException(Shown.text(name.toString()));
  }

  /** Of a link its own, not those of what it leads to. */
  static BasicFileAttributes attributes(SecureDirectoryStream<Path> directory, Path name)
      throws IOException {
    return directory
        .getFileAttributeView(name, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .readAttributes();
  }
}
