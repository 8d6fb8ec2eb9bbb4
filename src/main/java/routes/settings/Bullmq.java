package routes.settings;

import java.time.Duration;

/**
 * How a BullMQ queue is worked, in BullMQ's words.
 *
 * @param enabled whether one is
 * @param lists whether the plain lists are read too
 * @param limiterMax 0 for no limit
 * @param metrics minutes; 0 for none
 * @param logLines of a task's log that go into the job's; 0 for none
 */
public record Bullmq(
    boolean enabled,
    boolean lists,
    String queue,
    String prefix,
    Duration lock,
    Duration renew,
    Duration stalledInterval,
    int maxStalled,
    Duration drainDelay,
    int limiterMax,
    Duration limiterDuration,
    Duration keepCompleted,
    Duration keepFailed,
    Duration backoff,
    int metrics,
    int logLines) {
  /** Of a job's id, and of a queue with its prefix: what the ledger's columns hold. */
  public static final int LONGEST_NAME = 191;

  private static final Duration DAY = Duration.ofDays(1);
  private static final Duration YEARS = Duration.ofDays(3650);

  static Bullmq read(Reader read) {
    var sources = read.requiredList("waybill.queue.source", "list, bullmq or both");
    if (!sources.stream().allMatch(source -> source.equals("list") || source.equals("bullmq"))) {
      read.fault("waybill.queue.source", "list, bullmq or both");
    }
    Duration lock = read.duration("waybill.bullmq.lock-duration", Duration.ofSeconds(1), DAY);
    Duration renew = read.duration("waybill.bullmq.lock-renew-time", Duration.ofMillis(100), DAY);
    if (renew.compareTo(lock) >= 0) {
      read.fault("waybill.bullmq.lock-renew-time", "less than waybill.bullmq.lock-duration");
    }
    String queue = read.required("waybill.bullmq.queue", "the name of a BullMQ queue");
    String prefix = read.required("waybill.bullmq.prefix", "the prefix of its keys");
    String name = prefix + ":" + queue;
    if (name.codePointCount(0, name.length()) > LONGEST_NAME) {
      read.fault(
          "waybill.bullmq.queue",
          "at most " + LONGEST_NAME + " characters with waybill.bullmq.prefix and a colon");
    }
    return new Bullmq(
        sources.contains("bullmq"),
        sources.contains("list"),
        queue,
        prefix,
        lock,
        renew,
        read.duration("waybill.bullmq.stalled-interval", Duration.ofMillis(100), DAY),
        read.count("waybill.bullmq.max-stalled-count", 0, 1_000_000),
        read.duration("waybill.bullmq.drain-delay", Duration.ofMillis(10), Duration.ofHours(1)),
        read.count("waybill.bullmq.limiter.max", 0, 1_000_000),
        read.duration("waybill.bullmq.limiter.duration", Duration.ofMillis(1), DAY),
        read.duration("waybill.bullmq.keep-completed", Duration.ZERO, YEARS),
        read.duration("waybill.bullmq.keep-failed", Duration.ZERO, YEARS),
        read.duration("waybill.bullmq.backoff", Duration.ZERO, Duration.ofDays(7)),
        read.count("waybill.bullmq.metrics", 0, 1_000_000),
        read.count("waybill.bullmq.log-lines", 0, 10_000));
  }
}
