package routes.bullmq;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;

/**
 * Which ended jobs a queue keeps: {@code removeOnComplete} and {@code removeOnFail}.
 *
 * @param count so many of the newest; 0 for none, negative for all
 * @param age for so long; null for ever. Rounded down to seconds
 */
public record Keep(int count, Duration age) {
  public static final Keep ALL = new Keep(-1, null);

  /** As many old ones are forgotten with one that ends, so that no single call takes long. */
  static final int FORGOTTEN_AT_ONCE = 1000;

  public static Keep lasting(Duration age) {
    return new Keep(-1, age);
  }

  /**
   * What the producer wants: true or false, a number, or {@code {count, age}}; else the worker's.
   */
  Keep unless(JsonNode wanted) {
    if (wanted.isBoolean()) {
      return wanted.booleanValue() ? new Keep(0, null) : ALL;
    }
    if (wanted.isNumber()) {
      return new Keep(wanted.intValue(), null);
    }
    if (wanted.isObject()) {
      JsonNode seconds = wanted.path("age");
      return new Keep(
          wanted.path("count").asInt(-1),
          seconds.isNumber() ? Duration.ofSeconds(seconds.longValue()) : null);
    }
    return this;
  }
}
