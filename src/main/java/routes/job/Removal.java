package routes.job;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.UUID;

/**
 * Removes a directory and all in it, while somebody else may be changing it: see {@link Tree}. A
 * directory in a directory is moved up before it is emptied, so that the deepest one is no deeper
 * for us than the first.
 */
final class Removal {
  /** Who still finds something then has somebody against him who puts it there. */
  private static final int MOST_PASSES = 10_000;

  /** What resists is tried again, since it may have been changed between a look and a step. */
  private static final int MOST_IDLE_PASSES = 100;

  private final SecureDirectoryStream<Path> root;
  private final String prefix = ".removed-" + UUID.randomUUID() + "-";
  private int moved;
  private int done;
  private IOException lastFailure;

  private Removal(SecureDirectoryStream<Path> root) {
    this.root = root;
  }

  /**
   * @param path a link or a file in its place is removed itself
   */
  static void of(Path path) throws IOException {
    try {
      BasicFileAttributes what =
          Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      if (what.isDirectory()) {
        try (SecureDirectoryStream<Path> root = Tree.open(path, what)) {
          new Removal(root).empty(path);
        }
      } else {
        Files.delete(path);
      }
    } catch (NoSuchFileException gone) {
      // somebody else removed it: what matters is that it is gone
    }
  }

  private void empty(Path path) throws IOException {
    int idle = 0;
    removeAll(root);
    for (int pass = 1; pass < MOST_PASSES; pass++) {
      try {
        // By its path: a link in its place would not be followed.
        Files.delete(path);
        return;
      } catch (DirectoryNotEmptyException somethingIsLeft) {
        if (idle == MOST_IDLE_PASSES) {
          throw lastFailure == null ? somethingIsLeft : lastFailure;
        }
      }
      int before = done;
      try (SecureDirectoryStream<Path> entries = Tree.open(root, Path.of("."))) {
        removeAll(entries);
      }
      idle = done == before ? idle + 1 : 0;
    }
    throw new IOException("The sandbox cannot be emptied: something keeps putting files into it");
  }

  private void removeAll(DirectoryStream<Path> entries) {
    for (Path entry : entries) {
      remove(entry.getFileName());
    }
  }

  private void remove(Path name) {
    try {
      BasicFileAttributes what = Tree.attributes(root, name);
      if (what.isDirectory()) {
        try (SecureDirectoryStream<Path> inner = Tree.open(root, name, what)) {
          for (Path entry : inner) {
            clear(inner, entry.getFileName());
          }
        }
        root.deleteDirectory(name);
      } else {
        root.deleteFile(name);
      }
      done++;
    } catch (IOException changed) {
      // it is looked at again in the next pass
      lastFailure = changed;
    }
  }

  private void clear(SecureDirectoryStream<Path> directory, Path name) throws IOException {
    if (Tree.attributes(directory, name).isDirectory()) {
      directory.move(name, root, Path.of(prefix + moved++));
    } else {
      directory.deleteFile(name);
    }
    done++;
  }
}
