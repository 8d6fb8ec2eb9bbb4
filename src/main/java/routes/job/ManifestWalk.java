package routes.job;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lists the files of a delivery, and refuses what is no file of its own. */
final class ManifestWalk implements Tree.Visitor {
  private static final Logger LOG = LoggerFactory.getLogger(ManifestWalk.class);

  /** A file that has several names, and how many of them lie in the sandbox. */
  private static final class Linked {
    private final Path example;
    private final int links;
    private int seen;

    Linked(Path example, int links) {
      this.example = example;
      this.links = links;
    }
  }

  private final Path sandbox;
  private final Path folder;
  private final String hash;
  private final DeliveryRules rules;
  private final List<Manifest.Entry> files = new ArrayList<>();
  private final Map<Object, Linked> linked = new HashMap<>();
  private final Measured measured;

  private ManifestWalk(Path sandbox, Path folder, String hash, DeliveryRules rules) {
    this.sandbox = sandbox;
    this.folder = folder;
    this.hash = hash;
    this.rules = rules;
    this.measured = new Measured(rules.maxBytes(), rules.maxFiles());
  }

  /** See {@link Manifest#take}. */
  static Manifest take(Path delivery, String hash, DeliveryRules rules)
      throws IOException, Permanent {
    Path sandbox = delivery.getParent();
    ManifestWalk walk = new ManifestWalk(sandbox, delivery.getFileName(), hash, rules);
    Tree.walk(sandbox, walk);
    Set<Object> elsewhere = walk.alsoElsewhere();
    if (!elsewhere.isEmpty()) {
      if (!rules.skipLinks()) {
        throw odd(
            walk.linked.get(elsewhere.iterator().next()).example,
            "it is also a file outside of the sandbox");
      }
      remove(sandbox, elsewhere);
      // Who puts them back meanwhile is not to be served for ever.
      return take(delivery, hash, rules.refusingLinks());
    }
    walk.files.sort(Comparator.comparing(Manifest.Entry::path));
    return new Manifest(hash, List.copyOf(walk.files));
  }

  @Override
  public void opened(SecureDirectoryStream<Path> directory) throws IOException {
    if (rules.takeOver()) {
      // From the top down: who has lost a directory cannot change what is found in it next.
      PosixFileAttributeView view = directory.getFileAttributeView(PosixFileAttributeView.class);
      view.setOwner(Sandbox.user(System.getProperty("user.name")));
      view.setPermissions(PosixFilePermissions.fromString("rwx------"));
    }
  }

  @Override
  public void visit(
      SecureDirectoryStream<Path> in, Path name, Path path, BasicFileAttributes attributes)
      throws IOException, Permanent {
    measured.add(attributes);
    boolean delivered = path.startsWith(folder) && !path.equals(folder);
    if (delivered) {
      FileName.check(name);
    }
    if (attributes.isSymbolicLink()) {
      takeOut(sandbox, in, name, path, rules);
    } else if (attributes.isOther()) {
      throw odd(path, "a FIFO, a socket or a device");
    } else if (attributes.isRegularFile()) {
      countLinks(path, attributes);
      if (delivered) {
        files.add(
            new Manifest.Entry(
                folder.relativize(path).toString(),
                attributes.size(),
                hash == null ? null : digest(in, name)));
      }
    }
  }

  /** A link: nothing of what it leads to is looked at. Whose it was is in the sandbox's name. */
  static void takeOut(
      Path sandbox, SecureDirectoryStream<Path> in, Path name, Path path, DeliveryRules rules)
      throws IOException, Permanent {
    if (!rules.skipLinks()) {
      throw odd(path, "a link");
    }
    in.deleteFile(name);
    LOG.info("{}: a link was taken out", sandbox);
  }

  /** Java shows how many names a file has by its path alone: it may be another file by then. */
  private void countLinks(Path path, BasicFileAttributes attributes) throws IOException {
    Map<String, Object> unix =
        Files.readAttributes(
            sandbox.resolve(path), "unix:nlink,fileKey", LinkOption.NOFOLLOW_LINKS);
    if (!attributes.fileKey().equals(unix.get("fileKey"))) {
      throw new FileSystemException(
          Shown.text(path.toString()), null, "it was changed while it was looked at");
    }
    int links = (int) unix.get("nlink");
    if (links > 1) {
      linked.computeIfAbsent(attributes.fileKey(), key -> new Linked(path, links)).seen++;
    }
  }

  private Set<Object> alsoElsewhere() {
    Set<Object> elsewhere = new HashSet<>();
    linked.forEach(
        (key, file) -> {
          if (file.seen < file.links) {
            elsewhere.add(key);
          }
        });
    return elsewhere;
  }

  private static void remove(Path sandbox, Set<Object> files) throws IOException, Permanent {
    Tree.walk(
        sandbox,
        (in, name, path, attributes) -> {
          if (files.contains(attributes.fileKey())) {
            in.deleteFile(name);
            LOG.info("{}: a name of a file that is also elsewhere was taken out", sandbox);
          }
        });
  }

  static Permanent odd(Path path, String what) {
    return new Permanent(
        "The delivery holds more than files and directories: "
            + Shown.text(path.toString())
            + " ("
            + what
            + ")");
  }

  private String digest(SecureDirectoryStream<Path> in, Path name) throws IOException {
    try (InputStream content =
        new DigestInputStream(
            Channels.newInputStream(
                in.newByteChannel(
                    name, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS))),
            MessageDigest.getInstance(Manifest.DIGESTS.get(hash)))) {
      content.transferTo(OutputStream.nullOutputStream());
      return HexFormat.of().formatHex(((DigestInputStream) content).getMessageDigest().digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
