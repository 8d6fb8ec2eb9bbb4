package torture;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import redis.clients.jedis.resps.StreamEntry;
import routes.bullmq.BullQueue;
import routes.bullmq.NewJob;
import servers.Shop;

/** The shop's BullMQ queue: what was added to it, and what has become of each job there. */
final class BullSide {
  private static final ObjectMapper JSON = new ObjectMapper();
  static final String PREFIX = "bull";
  static final String QUEUE = "downloads";
  private static final int EVENTS_AT_ONCE = 1000;

  private final Shop shop;
  private final BullQueue queue;
  private final Map<String, Checker.End> expected = new TreeMap<>();
  private final Map<String, List<String>> endings = new HashMap<>();
  private String lastEvent = "0";
  private int stalled;

  BullSide(Shop shop) {
    this.shop = shop;
    this.queue = new BullQueue(shop.redis(), PREFIX, QUEUE, Clock.systemUTC());
  }

  /**
   * Of the workers, by their environment names, in pairs. A lock is longer than any outage of the
   * run, and short enough that one which nobody renews is noticed.
   *
   * @param source of their jobs: list, bullmq or both
   */
  static String[] settings(String source) {
    return new String[] {
      "WAYBILL_QUEUE_SOURCE", source,
      "WAYBILL_BULLMQ_PREFIX", PREFIX,
      "WAYBILL_BULLMQ_QUEUE", QUEUE,
      "WAYBILL_BULLMQ_LOCK_DURATION", "6s",
      "WAYBILL_BULLMQ_LOCK_RENEW_TIME", "1s",
      "WAYBILL_BULLMQ_STALLED_INTERVAL", "2s",
      "WAYBILL_BULLMQ_DRAIN_DELAY", "1s"
    };
  }

  private static String key(String name) {
    return PREFIX + ":" + QUEUE + ":" + name;
  }

  /**
   * Can be done twice: the id is the same.
   *
   * @param number which job of the task this is
   */
  void add(long taskId, String url, int number, Checker.End end) {
    Duration delay = taskId % 11 == 0 ? Duration.ofMillis(500) : Duration.ZERO;
    int attempts = taskId % 3 == 0 ? 2 : 1;
    int priority = taskId % 7 == 0 ? 1 : 0;
    add(taskId, Shop.payload(taskId, url), number, delay, attempts, priority, end);
  }

  /** One that goes first come, first served. */
  void add(long taskId, String payload, int number, int attempts, Checker.End end) {
    add(taskId, payload, number, Duration.ZERO, attempts, 0, end);
  }

  private void add(
      long taskId,
      String payload,
      int number,
      Duration delay,
      int attempts,
      int priority,
      Checker.End end) {
    String id = "task-" + taskId + "-" + number;
    queue.add(
        "download",
        payload,
        new NewJob(
            id,
            delay,
            attempts,
            JSON.createObjectNode().put("type", "fixed").put("delay", 300),
            priority,
            false,
            null,
            null,
            null));
    expected.put(id, end);
  }

  /** What cannot be a job. */
  void addPoison(long taskId) {
    String id = "poison-" + taskId;
    queue.add("download", "{\"poison\":" + taskId + "}", NewJob.named(id));
    expected.put(id, Checker.End.FAILED);
  }

  /**
   * Reads on in what the queue tells. To be called often: it keeps no more than its last events.
   */
  void follow() throws Exception {
    List<StreamEntry> entries;
    do {
      entries =
          Insist.on(() -> shop.redis().xrange(key("events"), "(" + lastEvent, "+", EVENTS_AT_ONCE));
      for (StreamEntry entry : entries) {
        lastEvent = entry.getID().toString();
        String event = entry.getFields().get("event");
        switch (event) {
          case "completed", "failed" ->
              endings
                  .computeIfAbsent(entry.getFields().get("jobId"), id -> new ArrayList<>())
                  .add(event);
          case "stalled" -> stalled++;
          default -> {
            // on its way
          }
        }
      }
    } while (!entries.isEmpty());
  }

  /** How many jobs there are in each state in which none may be left; empty at the end. */
  Map<String, Long> open() throws Exception {
    Map<String, Long> open = new TreeMap<>(Insist.on(queue::counts));
    long ended = open.remove("completed") + open.remove("failed");
    open.values().removeIf(number -> number == 0);
    if (ended != expected.size()) {
      open.put("not ended", expected.size() - ended);
    }
    return open;
  }

  boolean isDelayed(long taskId) {
    return shop.redis().zrange(key("delayed"), 0, -1).stream()
        .anyMatch(id -> id.startsWith("task-" + taskId + "-"));
  }

  /** Of the jobs about one task. */
  void check(Checker checker, long taskId) throws Exception {
    follow();
    for (Map.Entry<String, Checker.End> job : expected.entrySet()) {
      if (job.getKey().startsWith("task-" + taskId + "-")) {
        check(checker, job.getKey(), job.getValue());
      }
    }
  }

  /** To be asked when the workers have stopped. */
  void check(Checker checker) throws Exception {
    follow();
    for (Map.Entry<String, Checker.End> job : expected.entrySet()) {
      check(checker, job.getKey(), job.getValue());
    }
    Map<String, Long> open = open();
    if (!open.isEmpty()) {
      checker.violated("left in the BullMQ queue: " + open);
    }
    var locks = shop.redis().keys(key("*:lock"));
    if (!locks.isEmpty()) {
      checker.violated("left of the BullMQ queue: " + locks);
    }
    String untold = untold();
    if (untold != null) {
      checker.violated("the BullMQ queue does not know of its jobs " + untold);
    }
  }

  private void check(Checker checker, String id, Checker.End end) {
    String state = end == Checker.End.DELIVERED ? "completed" : "failed";
    Map<String, String> job = new TreeMap<>(shop.redis().hgetAll(key(id)));
    job.keySet().removeAll(List.of("data", "opts", "stacktrace"));
    if (shop.redis().zscore(key(state), id) == null) {
      checker.violated("BullMQ job " + id + ": expected " + state + ", found " + job);
      return;
    }
    // Told twice, a listener of the shop would act twice.
    List<String> told = endings.getOrDefault(id, List.of());
    if (!told.equals(List.of(state))) {
      checker.violated("BullMQ job " + id + ": expected one event " + state + ", found " + told);
    }
    String taskId = id.split("-")[1];
    if (end == Checker.End.DELIVERED
        && !job.getOrDefault("returnvalue", "").contains("\"taskId\":" + taskId)) {
      checker.violated("BullMQ job " + id + ": its result is not right: " + job);
    }
    if (end == Checker.End.FAILED && job.getOrDefault("failedReason", "").isBlank()) {
      checker.violated("BullMQ job " + id + ": it has failed without a reason: " + job);
    }
  }

  private String untold() throws SQLException {
    return shop.query(
        "SELECT GROUP_CONCAT(job_id, ' ', told) FROM waybill_bullmq WHERE told <> 'failed'");
  }

  int jobs() {
    return expected.size();
  }

  /** How often a job was found whose lock nobody had renewed. */
  int stalled() {
    return stalled;
  }
}
