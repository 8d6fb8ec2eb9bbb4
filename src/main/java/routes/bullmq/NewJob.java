package routes.bullmq;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;

/**
 * How a job is added, in BullMQ's words.
 *
 * @param id null for the next number
 * @param attempts in all; 0 and 1 are the same
 * @param backoff how long it waits for the next attempt; the whole object, or null
 * @param priority 0 for none, else 1 to 2,097,152: the lower goes first
 * @param lifo whether it goes before all others
 * @param deduplicationId jobs with the same are added once; null for none
 * @param deduplicationTtl for how long; null until that job has ended
 * @param more options that are passed on as they are, such as {@code removeOnComplete}; or null
 */
public record NewJob(
    String id,
    Duration delay,
    int attempts,
    ObjectNode backoff,
    int priority,
    boolean lifo,
    String deduplicationId,
    Duration deduplicationTtl,
    ObjectNode more) {
  private static final int LOWEST_PRIORITY = 1 << 21;

  /**
   * @throws IllegalArgumentException for what BullMQ would refuse
   */
  public NewJob {
    if (priority < 0 || priority > LOWEST_PRIORITY) {
      throw new IllegalArgumentException(
          "priority: expected 0 to " + LOWEST_PRIORITY + ", found " + priority);
    }
    if (id != null && (id.isEmpty() || id.contains(":") || id.matches("\\d+"))) {
      throw new IllegalArgumentException(
          "jobId: expected a name without a colon that is no whole number, found '" + id + "'");
    }
    if (delay.isNegative()) {
      throw new IllegalArgumentException("delay: expected none that is past, found " + delay);
    }
  }

  /** As most jobs are. */
  public static NewJob plain() {
    return named(null);
  }

  /** With an id of the producer's own: added twice, it is there once. */
  public static NewJob named(String id) {
    return new NewJob(id, Duration.ZERO, 0, null, 0, false, null, null, null);
  }

  String json() {
    ObjectNode options = more == null ? BullJob.JSON.createObjectNode() : more.deepCopy();
    options.put("attempts", attempts);
    if (id != null) {
      options.put("jobId", id);
    }
    if (!delay.isZero()) {
      options.put("delay", delay.toMillis());
    }
    if (backoff != null) {
      options.set("backoff", backoff);
    }
    if (priority > 0) {
      options.put("priority", priority);
    }
    if (lifo) {
      options.put("lifo", true);
    }
    if (deduplicationId != null) {
      ObjectNode deduplication = options.putObject("de");
      deduplication.put("id", deduplicationId);
      if (deduplicationTtl != null) {
        deduplication.put("ttl", deduplicationTtl.toMillis());
      }
    }
    return options.toString();
  }
}
