package routes.command;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.regex.Pattern;

/** Reads rclone's JSON log: the share of bytes sent, and the file under way. */
public final class RcloneProgress implements Progress {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * Google Drive's and Dropbox' words, and HTTP's own. Source: the remotes' error references; RFC
   * 6585, section 4.
   */
  private static final Pattern QUOTA =
      Pattern.compile(
          "(?i)rate ?limit ?exceeded|quota ?exceeded|too[ _]many[ _](requests|write_operations)"
              + "|upload limit|\\b429\\b");

  /** More bytes than this no remote has: a hundred times as many are no number any more. */
  private static final long MOST_BYTES = Long.MAX_VALUE / 100;

  /** Told when the percentage has changed. */
  public interface Listener {
    /**
     * @param file null if rclone names none
     */
    void moved(int percent, String file);
  }

  private final Listener listener;
  private int last = -1;
  private volatile boolean quotaUsedUp;

  public RcloneProgress(Listener listener) {
    this.listener = listener;
  }

  /** Whether the remote has refused for want of quota, or for too many requests. */
  public boolean quotaUsedUp() {
    return quotaUsedUp;
  }

  @Override
  public void line(String line) {
    if (QUOTA.matcher(line).find()) {
      quotaUsedUp = true;
    }
    if (!line.startsWith("{") || !line.contains("\"stats\"")) {
      return;
    }
    try {
      JsonNode stats = JSON.readTree(line).path("stats");
      long total = stats.path("totalBytes").asLong();
      if (total <= 0 || total > MOST_BYTES) {
        return;
      }
      long sent = Math.max(0, Math.min(total, stats.path("bytes").asLong()));
      int percent = (int) (100 * sent / total);
      if (percent != last) {
        last = percent;
        listener.moved(percent, stats.path("transferring").path(0).path("name").asText(null));
      }
    } catch (JsonProcessingException notALogLine) {
      // another program's output, or a line that was cut: nothing to read from it
    }
  }
}
