package routes.command;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** Reads rclone's JSON log: the share of bytes sent, and the file under way. */
public final class RcloneProgress implements Progress {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Told when the percentage has changed. */
  public interface Listener {
    /**
     * @param file null if rclone names none
     */
    void moved(int percent, String file);
  }

  private final Listener listener;
  private int last = -1;

  public RcloneProgress(Listener listener) {
    this.listener = listener;
  }

  @Override
  public void line(String line) {
    if (!line.startsWith("{") || !line.contains("\"stats\"")) {
      return;
    }
    try {
      JsonNode stats = JSON.readTree(line).path("stats");
      long total = stats.path("totalBytes").asLong();
      if (total <= 0) {
        return;
      }
      int percent = (int) Math.min(100, 100 * stats.path("bytes").asLong() / total);
      if (percent != last) {
        last = percent;
        listener.moved(percent, stats.path("transferring").path(0).path("name").asText(null));
      }
    } catch (JsonProcessingException notALogLine) {
      // another program's output, or a line that was cut: nothing to read from it
    }
  }
}
