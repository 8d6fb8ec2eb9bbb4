package routes.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
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
   * Looks at the whole sandbox, since a file in the delivery may have another name beside it.
   *
   * @param folder the delivery, a directory of a sandbox
   * @param hash one of {@link #DIGESTS}, or null for sizes only
   * @throws Permanent if it holds what may not be delivered: links, unless they are taken out;
   *     FIFOs, sockets and devices; files that are also elsewhere; names that are no text; too many
   *     files
   * @throws IOException if it cannot be read, or is being changed
   */
  public static Manifest take(Path folder, String hash, DeliveryRules rules)
      throws IOException, Permanent {
    return ManifestWalk.take(folder, hash, rules);
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
}
