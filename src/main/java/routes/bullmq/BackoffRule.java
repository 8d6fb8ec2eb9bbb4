package routes.bullmq;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** How long a job waits for its next attempt: the producer's {@code backoff}, as BullMQ has it. */
public interface BackoffRule {
  /**
   * @param job with its options; {@code backoff} is a number of ms, or {@code {type, delay,
   *     jitter}}
   * @param attempt the one that has just failed, from 1
   */
  Duration after(BullJob job, int attempt);

  /**
   * {@code fixed} and {@code exponential} (doubling from the second attempt on), with {@code
   * jitter} from 0 to 1: that part of the pause is left to chance. No pause without a backoff.
   *
   * @param own for a type that is neither
   */
  static BackoffRule standard(BackoffRule own) {
    return (job, attempt) -> {
      JsonNode backoff = job.options().path("backoff");
      if (backoff.isNumber()) {
        return Duration.ofMillis(Math.max(0, backoff.longValue()));
      }
      long delay = Math.max(0, backoff.path("delay").asLong(0));
      double jitter = Math.min(1, Math.max(0, backoff.path("jitter").asDouble(0)));
      return switch (backoff.path("type").asText("fixed")) {
        case "fixed" -> spread(delay, jitter);
        case "exponential" -> spread(delay << Math.min(attempt - 1, 20), jitter);
        default -> own.after(job, attempt);
      };
    };
  }

  /** An exponential pause from a second on, ten minutes at most, for a type that nobody knows. */
  static BackoffRule unknownType() {
    return (job, attempt) -> Duration.ofSeconds(Math.min(600, 1L << Math.min(attempt - 1, 10)));
  }

  private static Duration spread(long millis, double jitter) {
    if (jitter == 0 || millis == 0) {
      return Duration.ofMillis(millis);
    }
    double least = millis * (1 - jitter);
    return Duration.ofMillis(
        (long) (least + ThreadLocalRandom.current().nextDouble() * (millis - least)));
  }
}
