package routes.job;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** The directory of one job, {@code STAGING_DIR/Task_<taskId>}, that no other job touches. */
public record Sandbox(Path path) {
  private static final FileAttribute<?> PRIVATE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  public static Sandbox of(Path staging, long taskId) {
    return new Sandbox(staging.resolve("Task_" + taskId));
  }

  /**
   * Makes it for a delivery. What an earlier try of the same delivery left in it stays; another
   * delivery's files go, since they would be delivered with this one's.
   *
   * @param deliveryId is kept beside the sandbox, where no downloader stumbles over it
   */
  public void create(String deliveryId) throws IOException {
    boolean isNew = make();
    if (!isNew && Files.exists(mark()) && !Files.readString(mark()).equals(deliveryId)) {
      delete();
      make();
    }
    Files.writeString(mark(), deliveryId);
  }

  private Path mark() {
    return path.resolveSibling("." + path.getFileName() + ".delivery");
  }

  /**
   * Makes it, for this user alone; what an earlier try left in it stays, so that the downloader can
   * go on.
   *
   * @return whether it is a new one
   */
  private boolean make() throws IOException {
    try {
      Files.createDirectory(path, PRIVATE);
      return true;
    } catch (NoSuchFileException noStagingYet) {
      Files.createDirectories(path.getParent());
      Files.createDirectory(path, PRIVATE);
      return true;
    } catch (FileAlreadyExistsException e) {
      if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        return false;
      }
      throw e;
    }
  }

  /**
   * The one directory that the downloader left. A file whose name begins with a dot may stand
   * beside it (a resume state, say) and is not delivered.
   *
   * @return its name
   * @throws DownloadFailed if there is none, more than one, an empty one, or anything else
   */
  public String deliveredFolder() throws IOException, DownloadFailed {
    List<String> folders = new ArrayList<>();
    List<String> others = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString();
        if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
          folders.add(name);
        } else if (!name.startsWith(".")
            || !Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS)) {
          others.add(name);
        }
      }
    }
    if (folders.size() != 1 || !others.isEmpty()) {
      throw new DownloadFailed(
          "The downloader ended well, but expected exactly one directory in the sandbox, found "
              + found(folders, others));
    }
    return folders.get(0);
  }

  /**
   * Removes it and all in it; links are removed, never followed. Once it is gone, it does nothing.
   */
  public void delete() throws IOException {
    Files.deleteIfExists(mark());
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try {
      Files.walkFileTree(
          path,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.deleteIfExists(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, IOException failure)
                throws IOException {
              Files.deleteIfExists(directory);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (NoSuchFileException gone) {
      // somebody else removed part of it: what matters is that it is gone
    }
  }

  private static String found(List<String> folders, List<String> others) {
    if (folders.isEmpty() && others.isEmpty()) {
      return "nothing";
    }
    String what =
        folders.size() == 1
            ? "one directory"
            : folders.isEmpty() ? "" : folders.size() + " directories";
    if (!others.isEmpty()) {
      what += (what.isEmpty() ? "" : " and ") + "a file (" + others.get(0) + ")";
    }
    return what;
  }
}
