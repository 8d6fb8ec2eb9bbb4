package routes.ledger;

import static routes.ledger.Reach.reach;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;

/** What an operator reads in the ledger. Nothing is written here. */
public final class JobBook {
  /** States of a job, in the order of its life. */
  public static final List<String> STATES =
      List.of("waiting", "ready", "running", "done", "dead", "cancelled");

  /** From stage to stage. */
  public static final List<String> STEPS = List.of("enrolment", "download", "upload", "webhook");

  private static final String COLUMNS =
      """
      SELECT j.task_id, j.order_id, j.email, j.course_url, j.vip, j.state, j.stage, j.attempts, j.crashes, j.owner,
             j.host, j.hold, j.next_at, j.prefer_until, j.wait_until, j.folder, j.delivery_id, j.last_error, j.received_at,
             j.enrolled_at, j.claimed_at, j.downloaded_at, j.uploaded_at, j.notified_at, j.finished_at, j.updated_at""";

  /** In: task id. */
  private static final String ONE =
      COLUMNS
          + ", t.status FROM waybill_job j LEFT JOIN download_tasks t ON t.id = j.task_id"
          + " WHERE j.task_id = ?";

  private static final String COUNTS = "SELECT state, COUNT(*) FROM waybill_job GROUP BY state";

  private static final String OLDEST =
      """
      SELECT TIMESTAMPDIFF(SECOND, MIN(received_at), UTC_TIMESTAMP(6)) FROM waybill_job
       WHERE state IN ('ready', 'running')""";

  /** In: whether of those who go first. Delayed are ready jobs that wait for a time or a hold. */
  private static final String QUEUE =
      """
      SELECT COUNT(IF(state = 'waiting', 1, NULL)) AS waiting, COUNT(IF(state = 'ready', 1, NULL)) AS ready,
             COUNT(IF(state = 'running', 1, NULL)) AS running,
             COUNT(IF(state = 'ready' AND (hold IS NOT NULL OR next_at > UTC_TIMESTAMP(6)), 1, NULL)) AS postponed,
             TIMESTAMPDIFF(SECOND, MIN(IF(state = 'waiting', NULL, received_at)), UTC_TIMESTAMP(6)) AS oldest
        FROM waybill_job WHERE state IN ('waiting', 'ready', 'running') AND vip = ?""";

  private static final String DEAD_OF_QUEUE =
      "SELECT COUNT(*) FROM waybill_job WHERE state = 'dead' AND vip = ?";

  /** In: thrice whether of those who go first. Out: jobs that ended within 1, 5 and 60 minutes. */
  private static final String RATES =
      """
      SELECT COUNT(IF(finished_at >= UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE, 1, NULL)),
             COUNT(IF(finished_at >= UTC_TIMESTAMP(6) - INTERVAL 5 MINUTE, 1, NULL)), COUNT(*)
        FROM waybill_job
       WHERE finished_at >= UTC_TIMESTAMP(6) - INTERVAL 60 MINUTE AND state = 'done' AND vip = ?""";

  /** Out: how many ended within the last hour, a row a state. */
  private static final String ENDS =
      """
      SELECT state, COUNT(*) FROM waybill_job
       WHERE finished_at >= UTC_TIMESTAMP(6) - INTERVAL 60 MINUTE AND state IN ('done', 'dead') GROUP BY state""";

  /** Out: state and milliseconds of each step, of the newest that ended within the last hour. */
  private static final String ENDED =
      """
      SELECT state, TIMESTAMPDIFF(MICROSECOND, received_at, enrolled_at) / 1000 AS enrolment,
             TIMESTAMPDIFF(MICROSECOND, enrolled_at, downloaded_at) / 1000 AS download,
             TIMESTAMPDIFF(MICROSECOND, downloaded_at, uploaded_at) / 1000 AS upload,
             TIMESTAMPDIFF(MICROSECOND, uploaded_at, notified_at) / 1000 AS webhook
        FROM waybill_job
       WHERE finished_at >= UTC_TIMESTAMP(6) - INTERVAL 60 MINUTE AND state IN ('done', 'dead')
       ORDER BY finished_at DESC LIMIT 10000""";

  /** Those that have not left the book, with the number of their jobs. */
  private static final String ALIVE =
      """
      SELECT w.id, w.host, w.started_at, w.seen_at,
             w.seen_at < UTC_TIMESTAMP(6) - INTERVAL (w.lease_ms * 1000) MICROSECOND AS silent,
             (SELECT COUNT(*) FROM waybill_job j WHERE j.state = 'running' AND j.owner = w.id) AS jobs
        FROM waybill_worker w WHERE w.gone_at IS NULL ORDER BY w.started_at""";

  /**
   * One job.
   *
   * @param times of the steps it has made, by their names, in order
   * @param status of the shop's row; null where it was not asked for, or there is none
   */
  public record Entry(
      long taskId,
      String orderId,
      String email,
      String courseUrl,
      boolean vip,
      String state,
      String stage,
      int attempts,
      int crashes,
      String worker,
      String host,
      String hold,
      Instant nextAt,
      Instant preferUntil,
      Instant waitUntil,
      String folder,
      String deliveryId,
      String lastError,
      Map<String, Instant> times,
      Instant updatedAt,
      String status) {}

  public record AliveWorker(
      String id, String host, Instant startedAt, Instant seenAt, boolean silent, int jobs) {}

  private final JdbcTemplate jdbc;

  public JobBook(DataSource database) {
    this.jdbc = new Reads(database);
  }

  public Optional<Entry> find(long taskId) {
    return reach(
        () ->
            jdbc.query(ONE, (row, n) -> entry(row, row.getString("status")), taskId).stream()
                .findFirst());
  }

  /**
   * The newest first.
   *
   * @param state blank for all
   * @param search part of the e-mail address or order id, or the whole of a task id; if none is
   *     found, part of the folder or address of the course; blank for all
   */
  public List<Entry> list(String state, String search, int most, int skip) {
    Search found = find(state, search, skip);
    List<Object> values = new ArrayList<>(found.values());
    values.addAll(found.orderValues());
    values.add(most);
    values.add(skip);
    String page =
        "SELECT task_id FROM (" + found.ids() + ") i" + found.order() + " LIMIT ? OFFSET ?";
    List<Long> ids = reach(() -> jdbc.queryForList(page, Long.class, values.toArray()));
    if (ids.isEmpty()) {
      return List.of();
    }
    String these =
        COLUMNS + " FROM waybill_job j WHERE j.task_id IN (?" + ", ?".repeat(ids.size() - 1) + ")";
    return reach(() -> jdbc.query(these, (row, n) -> entry(row, null), ids.toArray())).stream()
        .sorted(Comparator.comparing(job -> ids.indexOf(job.taskId())))
        .toList();
  }

  /**
   * Buyers and orders first; folders and addresses where none of them is found, in whatever state:
   * a retry changes the state of what it found, and done twice it must not find others.
   */
  private Search find(String state, String text, int skip) {
    if (text.isBlank() || !ids(Search.of("", text, 0), 1).isEmpty()) {
      return Search.of(state, text, skip);
    }
    return Search.ofCourse(state, text);
  }

  private List<Long> ids(Search found, int most) {
    List<Object> values = new ArrayList<>(found.values());
    values.add(most);
    String ids = "SELECT task_id FROM (" + found.ids() + ") i ORDER BY task_id LIMIT ?";
    return reach(() -> jdbc.queryForList(ids, Long.class, values.toArray()));
  }

  /** As {@link #list}: all ids that match, up to a bound, the oldest first. */
  public List<Long> ids(String state, String search, int most) {
    return ids(find(state, search, 0), most);
  }

  /** How many jobs are in each state; those that nobody is in are there too. */
  public Map<String, Long> counts() {
    Map<String, Long> counts = new LinkedHashMap<>();
    STATES.forEach(state -> counts.put(state, 0L));
    reach(() -> jdbc.query(COUNTS, (row, n) -> counts.put(row.getString(1), row.getLong(2))));
    return counts;
  }

  /** Seconds since the oldest job that is ready or runs was received; empty if there is none. */
  public Optional<Long> oldestSeconds() {
    return Optional.ofNullable(reach(() -> jdbc.queryForObject(OLDEST, Long.class)));
  }

  public List<AliveWorker> workers() {
    return reach(
        () ->
            jdbc.query(
                ALIVE,
                (row, n) ->
                    new AliveWorker(
                        row.getString("id"),
                        row.getString("host"),
                        time(row, "started_at"),
                        time(row, "seen_at"),
                        row.getBoolean("silent"),
                        row.getInt("jobs"))));
  }

  /**
   * One queue.
   *
   * @param delayed of those that are ready
   * @param oldestSeconds since the oldest that is ready or runs was received; null if there is none
   */
  public record Queue(
      long waiting,
      long ready,
      long running,
      long delayed,
      long dead,
      Long oldestSeconds,
      double donePerMinute1,
      double donePerMinute5,
      double donePerMinute60) {}

  public Queue queue(boolean vip) {
    long dead = reach(() -> jdbc.queryForObject(DEAD_OF_QUEUE, Long.class, vip));
    long[] done =
        reach(
            () ->
                jdbc.queryForObject(
                    RATES,
                    (row, n) -> new long[] {row.getLong(1), row.getLong(2), row.getLong(3)},
                    vip));
    return reach(
        () ->
            jdbc.queryForObject(
                QUEUE,
                (row, n) ->
                    new Queue(
                        row.getLong("waiting"),
                        row.getLong("ready"),
                        row.getLong("running"),
                        row.getLong("postponed"),
                        dead,
                        row.getObject("oldest", Long.class),
                        done[0],
                        done[1] / 5.0,
                        done[2] / 60.0),
                vip));
  }

  /**
   * What ended within the last hour.
   *
   * @param millis of each step of the delivered ones, ascending; waiting and pauses included
   */
  public record Ended(long done, long dead, Map<String, List<Long>> millis) {}

  public Ended ended() {
    Map<String, Long> ends = new LinkedHashMap<>();
    reach(() -> jdbc.query(ENDS, (row, n) -> ends.put(row.getString(1), row.getLong(2))));
    Map<String, List<Long>> millis = new LinkedHashMap<>();
    STEPS.forEach(step -> millis.put(step, new ArrayList<>()));
    reach(
        () ->
            jdbc.query(
                ENDED,
                (row, n) -> {
                  boolean done = row.getString("state").equals("done");
                  for (String step : done ? STEPS : List.<String>of()) {
                    long time = row.getLong(step);
                    if (!row.wasNull()) {
                      millis.get(step).add(time);
                    }
                  }
                  return null;
                }));
    millis.values().forEach(Collections::sort);
    return new Ended(ends.getOrDefault("done", 0L), ends.getOrDefault("dead", 0L), millis);
  }

  private static Entry entry(ResultSet row, String status) throws SQLException {
    Map<String, Instant> times = new LinkedHashMap<>();
    for (String step :
        List.of(
            "received", "enrolled", "claimed", "downloaded", "uploaded", "notified", "finished")) {
      Instant at = time(row, step + "_at");
      if (at != null) {
        times.put(step, at);
      }
    }
    return new Entry(
        row.getLong("task_id"),
        row.getString("order_id"),
        row.getString("email"),
        row.getString("course_url"),
        row.getBoolean("vip"),
        row.getString("state"),
        row.getString("stage"),
        row.getInt("attempts"),
        row.getInt("crashes"),
        row.getString("owner"),
        row.getString("host"),
        row.getString("hold"),
        time(row, "next_at"),
        time(row, "prefer_until"),
        time(row, "wait_until"),
        row.getString("folder"),
        row.getString("delivery_id"),
        row.getString("last_error"),
        times,
        time(row, "updated_at"),
        status);
  }

  /** The ledger's times are UTC, whatever the connection's time zone is. */
  private static Instant time(ResultSet row, String column) throws SQLException {
    LocalDateTime time = row.getObject(column, LocalDateTime.class);
    return time == null ? null : time.toInstant(ZoneOffset.UTC);
  }
}
