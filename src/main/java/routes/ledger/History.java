package routes.ledger;

import static routes.ledger.Reach.reach;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * What did not go straight with a task, for whoever asks why: failed tries, retries, ends, and what
 * operators did. Written many at a time, a moment later; no job waits for it. While the database is
 * away it is kept in memory, up to a bound.
 */
public final class History {
  private static final int MOST = 10_000;
  private static final int AT_ONCE = 500;
  private static final Duration KEEP = Duration.ofDays(90);

  private static final String ADD =
      "INSERT INTO waybill_history (task_id, at, event, stage, worker, ms, exit_code, detail)"
          + " VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

  private static final String OF_TASK =
      "SELECT at, event, stage, worker, ms, exit_code, detail FROM waybill_history WHERE task_id = ?"
          + " ORDER BY id DESC LIMIT ?";

  private static final String FORGET = "DELETE FROM waybill_history WHERE at < ? LIMIT 10000";

  /**
   * @param stage null if it concerns none
   * @param ms since the try began; null if it took no time worth telling
   * @param exitCode of the program that ended badly; null if none did
   */
  public record Entry(
      long taskId,
      Instant at,
      String event,
      String stage,
      String worker,
      Long ms,
      Integer exitCode,
      String detail) {}

  private final JdbcTemplate jdbc;
  private final Clock clock;
  private final BlockingQueue<Entry> waiting = new ArrayBlockingQueue<>(MOST);

  public History(DataSource database, Clock clock) {
    this.jdbc = new JdbcTemplate(database);
    this.clock = clock;
  }

  /** Neither blocks nor throws. */
  public void add(
      String event,
      long taskId,
      String stage,
      String worker,
      Long ms,
      Integer exitCode,
      String detail) {
    waiting.offer(new Entry(taskId, clock.instant(), event, stage, worker, ms, exitCode, detail));
  }

  /**
   * Writes what has come since the last time.
   *
   * @throws LedgerAway if the database is away; what was not written is kept
   */
  public void flush() {
    while (!waiting.isEmpty()) {
      List<Entry> entries = new ArrayList<>();
      waiting.drainTo(entries, AT_ONCE);
      try {
        reach(() -> jdbc.batchUpdate(ADD, entries.stream().map(History::values).toList()));
      } catch (LedgerAway e) {
        entries.forEach(waiting::offer);
        throw e;
      }
    }
  }

  private static Object[] values(Entry entry) {
    return new Object[] {
      entry.taskId(),
      LocalDateTime.ofInstant(entry.at(), ZoneOffset.UTC),
      entry.event(),
      entry.stage(),
      entry.worker(),
      entry.ms(),
      entry.exitCode(),
      entry.detail()
    };
  }

  /** The newest first. */
  public List<Entry> of(long taskId, int most) {
    return reach(
        () ->
            jdbc.query(
                OF_TASK,
                (row, n) ->
                    new Entry(
                        taskId,
                        row.getObject("at", LocalDateTime.class).toInstant(ZoneOffset.UTC),
                        row.getString("event"),
                        row.getString("stage"),
                        row.getString("worker"),
                        row.getObject("ms", Long.class),
                        row.getObject("exit_code", Integer.class),
                        row.getString("detail")),
                taskId,
                most));
  }

  public void forgetTheOld() {
    LocalDateTime before = LocalDateTime.ofInstant(clock.instant().minus(KEEP), ZoneOffset.UTC);
    reach(() -> jdbc.update(FORGET, before));
  }
}
