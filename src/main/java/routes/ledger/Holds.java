package routes.ledger;

import static routes.ledger.Reach.reach;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;
import routes.job.Stage;

/**
 * What is held back, for all processes at once and over restarts: stages whose outside is in
 * trouble, and queues that somebody has paused. Each process looks every two seconds, and at once
 * at what it has done itself; a claim looks at the row.
 */
public final class Holds implements HoldsMBean {
  /** Begins the name of a paused queue's hold. */
  public static final String QUEUE = "queue:";

  /** How long a reason may be, as the table has it. */
  private static final int LONGEST_REASON = 255;

  private static final String ALL =
      """
      SELECT name, reason, until_at IS NOT NULL AND until_at <= UTC_TIMESTAMP(6) AS is_over,
             TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), until_at) AS left_seconds, trial,
             TIMESTAMPDIFF(SECOND, since, UTC_TIMESTAMP(6)) AS since_seconds
        FROM waybill_hold ORDER BY name""";

  /**
   * In: name, reason, length in microseconds, whether one tries first. A hold that lasts longer
   * already stays as long.
   */
  private static final String HOLD =
      """
      INSERT INTO waybill_hold (name, reason, since, until_at, trial)
      VALUES (?, ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, ?)
      ON DUPLICATE KEY UPDATE reason = VALUES(reason), until_at = GREATEST(until_at, VALUES(until_at)),
                              trial = trial OR VALUES(trial)""";

  /** In: name. */
  private static final String PAUSE =
      """
      INSERT INTO waybill_hold (name, reason, since) VALUES (?, 'paused', UTC_TIMESTAMP(6))
      ON DUPLICATE KEY UPDATE reason = VALUES(reason)""";

  /** In: length in microseconds, name. Out: 1 for the one who may try. */
  private static final String PROBE =
      """
      UPDATE waybill_hold SET until_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND
       WHERE name = ? AND until_at <= UTC_TIMESTAMP(6)""";

  /** In: name, stage of the jobs that it holds back. */
  private static final String RELEASE_UNNEEDED =
      """
      DELETE FROM waybill_hold
       WHERE name = ? AND trial
         AND NOT EXISTS (SELECT 1 FROM waybill_job WHERE state IN ('ready', 'running') AND stage = ?)""";

  private static final String RELEASE = "DELETE FROM waybill_hold WHERE name = ?";

  /**
   * @param leftSeconds until one may try; null while it lasts until somebody ends it
   * @param trial whether one job tries before all others go on
   * @param seconds since it began
   */
  public record Hold(
      String name, String reason, boolean over, Long leftSeconds, boolean trial, long seconds) {}

  private final JdbcTemplate jdbc;
  private volatile Map<String, Hold> known = Map.of();
  private final AtomicLong looks = new AtomicLong();
  private long newest;

  public Holds(DataSource database) {
    this.jdbc = new JdbcTemplate(database);
  }

  /** Looks at what all processes hold back. */
  public void refresh() {
    long look = looks.incrementAndGet();
    Map<String, Hold> found =
        reach(
                () ->
                    jdbc.query(
                        ALL,
                        (row, n) -> {
                          long left = row.getLong(4);
                          boolean forever = row.wasNull();
                          return new Hold(
                              row.getString(1),
                              row.getString(2),
                              row.getBoolean(3),
                              forever ? null : left,
                              row.getBoolean(5),
                              row.getLong(6));
                        }))
            .stream()
            .collect(Collectors.toUnmodifiableMap(Hold::name, hold -> hold));
    synchronized (looks) {
      // One that began earlier may end later.
      if (look > newest) {
        newest = look;
        known = found;
      }
    }
  }

  /** Empty if nothing is held back under that name, as of the last look. */
  public Optional<Hold> find(String name) {
    return Optional.ofNullable(known.get(name));
  }

  public boolean isHeld(String name) {
    return known.containsKey(name);
  }

  public boolean isPaused(String inbox) {
    return isHeld(QUEUE + inbox);
  }

  /** As of the last look, by name. */
  public List<Hold> all() {
    List<Hold> all = new ArrayList<>(known.values());
    all.sort(java.util.Comparator.comparing(Hold::name));
    return all;
  }

  @Override
  public List<String> getHolds() {
    return all().stream()
        .map(
            hold ->
                hold.name()
                    + ": "
                    + hold.reason()
                    + (hold.leftSeconds() == null ? "" : ", " + hold.leftSeconds() + " s"))
        .toList();
  }

  /**
   * Nothing more of this stage begins for so long.
   *
   * @param trial whether one job tries then, before the others go on
   */
  public void hold(String stage, Duration length, String reason, boolean trial) {
    String shortReason = reason.substring(0, Math.min(LONGEST_REASON, reason.length()));
    reach(() -> jdbc.update(HOLD, stage, shortReason, length.toMillis() * 1000, trial));
    refresh();
  }

  /**
   * Whether the caller is the one who tries a held stage.
   *
   * @param length for which the others go on waiting
   */
  public boolean mayProbe(String stage, Duration length) {
    return reach(() -> jdbc.update(PROBE, length.toMillis() * 1000, stage)) == 1;
  }

  /** The try went well: the stage is free. */
  public void release(String name) {
    reach(() -> jdbc.update(RELEASE, name));
    refresh();
  }

  /** The stage is free if there is no job that it could hold back, so that nobody would try it. */
  public void releaseUnneeded(String stage) {
    String before = Stage.before(stage).label();
    if (isHeld(stage) && reach(() -> jdbc.update(RELEASE_UNNEEDED, stage, before)) > 0) {
      refresh();
    }
  }

  /** Jobs that run end; nothing new of this queue starts, in any process, until it is resumed. */
  public void pause(String inbox) {
    reach(() -> jdbc.update(PAUSE, QUEUE + inbox));
    refresh();
  }

  public void resume(String inbox) {
    release(QUEUE + inbox);
  }
}
