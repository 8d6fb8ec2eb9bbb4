package routes.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * What a delivery holds, taken before the first file moves: {@code rclone move} deletes file by
 * file, so after a failure neither side alone can say what was to arrive.
 *
 * @param hash the kind of hash in {@code files}, by rclone's name; null if none was taken
 * @param files in the order of their paths
 */
public record Manifest(String hash, List<Entry> files) {
  /**
   * @param path relative, with {@code /}
   * @param size bytes
   * @param hash lower-case hex; null if none was taken
   */
  public record Entry(String path, long size, String hash) {}

  /** rclone's names of the hashes that Java computes as well, the cheapest first. */
  public static final Map<String, String> DIGESTS =
      Map.of("md5", "MD5", "sha1", "SHA-1", "sha256", "SHA-256");

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * @param folder the delivery
   * @param hash one of {@link #DIGESTS}, or null for sizes only
   * @throws Permanent if it holds anything but directories and regular files
   * @throws IOException if it cannot be read
   */
  public static Manifest take(Path folder, String hash) throws IOException, Permanent {
    List<Entry> files = new ArrayList<>();
    List<String> odd = new ArrayList<>();
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            String path = folder.relativize(file).toString();
            if (!attributes.isRegularFile()) {
              odd.add(path + (attributes.isSymbolicLink() ? " (a link)" : " (a special file)"));
              return FileVisitResult.TERMINATE;
            }
            files.add(new Entry(path, attributes.size(), hash == null ? null : digest(file, hash)));
            return FileVisitResult.CONTINUE;
          }
        });
    if (!odd.isEmpty()) {
      throw new Permanent("The delivery holds more than files and directories: " + odd.get(0));
    }
    files.sort(Comparator.comparing(Entry::path));
    return new Manifest(hash, List.copyOf(files));
  }

  public long totalBytes() {
    return files.stream().mapToLong(Entry::size).sum();
  }

  /**
   * @param there what is at the remote, by path
   * @return a line for every file that is missing there or differs; empty if all has arrived
   */
  public List<String> missingFrom(Map<String, Entry> there) {
    List<String> faults = new ArrayList<>();
    for (Entry file : files) {
      Entry found = there.get(file.path());
      if (found == null) {
        faults.add(file.path() + ": not there");
      } else if (found.size() != file.size()) {
        faults.add(file.path() + ": " + file.size() + " bytes sent, " + found.size() + " there");
      } else if (hash != null && !file.hash().equalsIgnoreCase(found.hash())) {
        faults.add(file.path() + ": its " + hash + " differs");
      }
    }
    return faults;
  }

  public String toJson() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  public static Manifest fromJson(String json) {
    try {
      return JSON.readValue(json, Manifest.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("The ledger holds a manifest that cannot be read", e);
    }
  }

  private static String digest(Path file, String hash) throws IOException {
    try (InputStream in =
        new DigestInputStream(
            Files.newInputStream(file), MessageDigest.getInstance(DIGESTS.get(hash)))) {
      in.transferTo(java.io.OutputStream.nullOutputStream());
      return HexFormat.of().formatHex(((DigestInputStream) in).getMessageDigest().digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
