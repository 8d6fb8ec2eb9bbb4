package routes.monitoring;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Files and directories that nobody but the worker's user may look into: logs hold e-mail
 * addresses. A directory that is there already stays as its owner has made it.
 */
public final class OwnerOnly {
  /** For a file that is made. */
  public static final FileAttribute<Set<PosixFilePermission>> FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private static final FileAttribute<Set<PosixFilePermission>> DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private OwnerOnly() {}

  /** Makes it, with all directories that lead to it. */
  public static void directory(Path directory) throws IOException {
    Files.createDirectories(directory, DIRECTORY);
  }

  /** Makes an empty one if there is none. */
  static void create(Path file) throws IOException {
    directory(file.toAbsolutePath().getParent());
    try {
      Files.createFile(file, FILE);
    } catch (FileAlreadyExistsException there) {
      // One that an earlier version began stays as it is until it is rolled.
    }
  }
}
