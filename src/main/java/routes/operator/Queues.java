package routes.operator;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.exceptions.JedisException;
import routes.Parts;
import routes.bullmq.Depth;
import routes.ledger.JobBook;
import routes.queue.RedisKeys;
import routes.settings.Settings;

/** How the queues are: the lists, and the BullMQ queue where there is one. */
final class Queues {
  private static final Logger LOG = LoggerFactory.getLogger(Queues.class);

  private final Parts parts;
  private final Settings settings;

  Queues(Parts parts) {
    this.parts = parts;
    this.settings = parts.settings();
  }

  /** What can be paused. */
  List<String> names() {
    return settings.queues();
  }

  /**
   * What Redis says.
   *
   * @param unread by queue: what nobody has taken yet
   * @param bullmq null if there is no BullMQ queue
   */
  record Seen(Map<String, Long> unread, long rejected, Depth bullmq) {}

  /**
   * @throws JedisException if Redis is away
   */
  Seen look() {
    Map<String, Long> unread = new LinkedHashMap<>();
    RedisKeys.inboxes(settings.queue()).forEach(list -> unread.put(list, parts.redis().llen(list)));
    Depth bullmq = settings.bullmq().enabled() ? parts.bullmqQueue().look() : null;
    if (bullmq != null) {
      unread.put(settings.bullmq().queue(), bullmq.waiting());
    }
    return new Seen(unread, parts.redis().llen(RedisKeys.REJECTED), bullmq);
  }

  /** Empty if Redis is away: what the ledger says is worth seeing all the same. */
  Optional<Seen> lookIfThere() {
    try {
      return Optional.of(look());
    } catch (JedisException e) {
      LOG.warn("The queues could not be measured: {}", e.getMessage());
      return Optional.empty();
    }
  }

  List<Map<String, Object>> rows(Optional<Seen> seen) {
    return names().stream().map(queue -> row(queue, seen)).toList();
  }

  /** The ledger's numbers are null where it counts the jobs under another queue's name. */
  Map<String, Object> row(String queue, Optional<Seen> seen) {
    Optional<JobBook.Queue> jobs =
        List.of(settings.queueOf(true), settings.queueOf(false)).contains(queue)
            ? Optional.of(parts.jobs().queue(queue.equals(settings.queueOf(true))))
            : Optional.empty();
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("queue", queue);
    row.put("paused", parts.holds().isPaused(queue));
    row.put("inbox", seen.map(all -> all.unread().get(queue)).orElse(null));
    row.put("bullmq", isBullmq(queue) ? seen.map(Seen::bullmq).orElse(null) : null);
    put(row, "waiting", jobs, JobBook.Queue::waiting);
    put(row, "ready", jobs, JobBook.Queue::ready);
    put(row, "running", jobs, JobBook.Queue::running);
    put(row, "delayed", jobs, JobBook.Queue::delayed);
    put(row, "dead", jobs, JobBook.Queue::dead);
    put(row, "oldestSeconds", jobs, JobBook.Queue::oldestSeconds);
    put(row, "donePerMinute", jobs, Queues::rates);
    return row;
  }

  private static void put(
      Map<String, Object> row,
      String name,
      Optional<JobBook.Queue> jobs,
      Function<JobBook.Queue, Object> field) {
    row.put(name, jobs.map(field).orElse(null));
  }

  private static Map<String, Double> rates(JobBook.Queue queue) {
    Map<String, Double> rates = new LinkedHashMap<>();
    rates.put("1", queue.donePerMinute1());
    rates.put("5", queue.donePerMinute5());
    rates.put("60", queue.donePerMinute60());
    return rates;
  }

  /** For a person; without what is paused here, which is shown with all that is held back. */
  String line(String queue, Seen seen) {
    if (!isBullmq(queue)) {
      return queue + ": " + seen.unread().get(queue) + " not read yet";
    }
    Depth depth = seen.bullmq();
    if (depth.refused() != null) {
      return queue + ": BullMQ, nothing is taken: " + Reading.clean(depth.refused());
    }
    return "%s: BullMQ, %d waiting, %d prioritized, %d delayed, %d active, %d failed%s"
        .formatted(
            queue,
            depth.of("waiting"),
            depth.of("prioritized"),
            depth.of("delayed"),
            depth.of("active"),
            depth.of("failed"),
            depth.paused() ? "; paused in BullMQ" : "");
  }

  private boolean isBullmq(String queue) {
    return settings.bullmq().enabled() && queue.equals(settings.bullmq().queue());
  }
}
