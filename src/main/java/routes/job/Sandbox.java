package routes.job;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The directory of one job, {@code STAGING_DIR/Task_<taskId>}, that no other job touches. */
public record Sandbox(Path path) {
  private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  public static Sandbox of(Path staging, long taskId) {
    return new Sandbox(staging.resolve("Task_" + taskId));
  }

  /**
   * Makes it for a delivery. What an earlier try of the same delivery left in it stays; another
   * delivery's files go, since they would be delivered with this one's.
   *
   * @param deliveryId is kept beside the sandbox, where no downloader stumbles over it
   * @throws Permanent if something else than a directory is in its place
   */
  public void create(String deliveryId) throws IOException, Permanent {
    boolean isNew = make();
    if (!isNew && Files.exists(mark()) && !Files.readString(mark()).equals(deliveryId)) {
      delete();
      make();
    }
    Files.writeString(mark(), deliveryId);
  }

  /**
   * Makes another user the owner of it and of all directories in it: the one who downloads into it.
   */
  public void giveTo(String user) throws IOException, Permanent {
    UserPrincipal owner = user(user);
    Tree.walk(
        path,
        new Tree.Visitor() {
          @Override
          public void opened(SecureDirectoryStream<Path> directory) throws IOException {
            directory.getFileAttributeView(PosixFileAttributeView.class).setOwner(owner);
          }

          @Override
          public void visit(
              SecureDirectoryStream<Path> in, Path name, Path inner, BasicFileAttributes what) {
            // its files are the downloader's own
          }
        });
  }

  static UserPrincipal user(String name) throws IOException {
    return FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName(name);
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
  private boolean make() throws IOException, Permanent {
    try {
      makeNew();
      return true;
    } catch (NoSuchFileException noStagingYet) {
      Files.createDirectories(path.getParent());
      makeNew();
      return true;
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        throw new Permanent(path + ": expected a directory, found a file or a link");
      }
      Files.getFileAttributeView(path, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
          .setPermissions(PRIVATE.value());
      return false;
    }
  }

  private void makeNew() throws IOException {
    Files.createDirectory(path, PRIVATE);
    // A umask takes away from that, and may take away the owner's own rights.
    if (!Files.getPosixFilePermissions(path).equals(PRIVATE.value())) {
      Files.setPosixFilePermissions(path, PRIVATE.value());
    }
  }

  /**
   * The one directory that the downloader left. A file whose name begins with a dot may stand
   * beside it (a resume state, say) and is not delivered.
   *
   * @return its name
   * @throws DownloadFailed if there is none, more than one, or anything else
   * @throws SandboxOutgrown if there is more than the sandbox may hold as well
   * @throws Permanent if its name cannot be delivered, or a link or a special file stands there
   */
  public String deliveredFolder(DeliveryRules rules) throws IOException, DownloadFailed, Permanent {
    List<Path> folders = new ArrayList<>();
    List<String> others = new ArrayList<>();
    try (SecureDirectoryStream<Path> entries = Tree.open(path)) {
      for (Path entry : entries) {
        Path name = entry.getFileName();
        BasicFileAttributes what = Tree.attributes(entries, name);
        if (what.isDirectory()) {
          folders.add(name);
        } else if (what.isSymbolicLink()) {
          ManifestWalk.takeOut(path, entries, name, name, rules);
        } else if (!what.isRegularFile()) {
          throw ManifestWalk.odd(name, "a FIFO, a socket or a device");
        } else if (!name.toString().startsWith(".")) {
          others.add(Shown.text(name.toString()));
        }
      }
    }
    if (folders.size() != 1 || !others.isEmpty()) {
      // That would be no better at the next try.
      Disk.measure(path, rules.maxBytes(), rules.maxFiles());
      throw new DownloadFailed(
          "The downloader ended well, but expected exactly one directory in the sandbox, found "
              + found(folders.size(), others));
    }
    FileName.checkFolder(folders.get(0));
    return folders.get(0).toString();
  }

  /**
   * Removes it and all in it; links are removed, never followed. Once it is gone, it does nothing.
   *
   * @throws IOException if something keeps putting files into it
   */
  public void delete() throws IOException {
    Files.deleteIfExists(mark());
    Removal.of(path);
  }

  private static String found(int folders, List<String> others) {
    if (folders == 0 && others.isEmpty()) {
      return "nothing";
    }
    String what = folders == 1 ? "one directory" : folders == 0 ? "" : folders + " directories";
    if (!others.isEmpty()) {
      what += (what.isEmpty() ? "" : " and ") + "a file (" + others.get(0) + ")";
    }
    return what;
  }
}
