package routes.ledger;

import static routes.ledger.Reach.reach;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;

/** The book of all workers: who is alive, and what becomes of the jobs of those who are not. */
public final class Workers {
  /** In: id, host, pid, lease. */
  private static final String ENLIST =
      """
      INSERT INTO waybill_worker (id, host, pid, started_at, seen_at, lease_ms) VALUES (?, ?, ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), ?)
      ON DUPLICATE KEY UPDATE seen_at = VALUES(seen_at)""";

  /** In: id. Out: 1 while the worker still counts as alive. */
  private static final String RENEW =
      "UPDATE waybill_worker SET seen_at = UTC_TIMESTAMP(6) WHERE id = ? AND gone_at IS NULL";

  /** Out: ids of all whose lease is over. */
  private static final String EXPIRED =
      """
      SELECT id FROM waybill_worker
       WHERE gone_at IS NULL AND seen_at < UTC_TIMESTAMP(6) - INTERVAL (lease_ms * 1000) MICROSECOND""";

  /** Out: ids of those who are gone. */
  private static final String GONE = "SELECT id FROM waybill_worker WHERE gone_at IS NOT NULL";

  /** In: id. Its jobs are free again as they are: nobody died. */
  private static final String GIVE_UP_JOBS =
      """
      UPDATE waybill_job SET state = 'ready', owner = NULL, next_at = NULL, updated_at = UTC_TIMESTAMP(6)
       WHERE owner = ? AND state = 'running'""";

  /** Those who have been gone for a day. */
  private static final String FORGET =
      "DELETE FROM waybill_worker WHERE gone_at < UTC_TIMESTAMP(6) - INTERVAL 1 DAY";

  /** In: id. Out: 1 if the worker was still silent, and is now out of the book. */
  private static final String STRIKE =
      """
      UPDATE waybill_worker SET gone_at = UTC_TIMESTAMP(6)
       WHERE id = ? AND gone_at IS NULL AND seen_at < UTC_TIMESTAMP(6) - INTERVAL (lease_ms * 1000) MICROSECOND""";

  /**
   * In: preference of the host in microseconds. What a crash does to a job; both counts read the
   * first crash's time.
   */
  private static final String FREE =
      """
      UPDATE waybill_job
         SET crashes = IF(first_crash_at >= UTC_TIMESTAMP(6) - INTERVAL 72 HOUR, crashes + 1, 1),
             first_crash_at = IF(first_crash_at >= UTC_TIMESTAMP(6) - INTERVAL 72 HOUR, first_crash_at, UTC_TIMESTAMP(6)),
             state = 'ready', owner = NULL, next_at = NULL,
             prefer_until = IF(stage IN ('enrolled', 'downloaded'), UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, NULL),
             updated_at = UTC_TIMESTAMP(6)
      """;

  /** In: owner. Out: its jobs, as the bell wants them. */
  private static final String HELD =
      """
      SELECT task_id, vip, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', received_at) AS received,
             stage <> 'enrolled' AS downloaded
        FROM waybill_job WHERE owner = ? AND state = 'running'""";

  /** In: as {@link #FREE}, id of a dead worker. All its jobs are free again, in one statement. */
  private static final String FREE_JOBS = FREE + " WHERE owner = ? AND state = 'running'";

  private static final String ORPHANED =
      " WHERE state = 'running' AND owner NOT IN (SELECT id FROM waybill_worker WHERE gone_at IS NULL)";

  /**
   * Out: jobs whose owner is in no book: struck out between two statements of a worker that died.
   */
  private static final String LOOK_FOR_ORPHANED = "SELECT task_id FROM waybill_job" + ORPHANED;

  private static final String FREE_ORPHANED_JOBS = FREE + ORPHANED;

  private static final String RETIRE =
      "UPDATE waybill_worker SET gone_at = UTC_TIMESTAMP(6) WHERE id = ?";

  private final JdbcTemplate jdbc;
  private final Duration lease;
  private final long preferMicros;

  /**
   * @param preferSameHost how long the jobs of a dead worker are kept for its host, which has their
   *     files
   */
  public Workers(DataSource database, Duration lease, Duration preferSameHost) {
    this.preferMicros = preferSameHost.toMillis() * 1000;
    this.jdbc = new JdbcTemplate(database);
    this.lease = lease;
  }

  public void enlist(Worker worker) {
    reach(() -> jdbc.update(ENLIST, worker.id(), worker.host(), worker.pid(), lease.toMillis()));
  }

  /** Whether the worker is still in the book; if not, somebody has its jobs. */
  public boolean renew(Worker worker) {
    return reach(() -> jdbc.update(RENEW, worker.id())) == 1;
  }

  public List<String> expired() {
    return reach(() -> jdbc.queryForList(EXPIRED, String.class));
  }

  /** Workers that stopped or died within the last day. */
  public List<String> gone() {
    reach(() -> jdbc.update(FORGET));
    return reach(() -> jdbc.queryForList(GONE, String.class));
  }

  /**
   * Strikes a silent worker out and frees its jobs.
   *
   * @return the jobs it had, to be rung for; empty if it spoke up meanwhile
   */
  public Optional<List<Ledger.Unrung>> takeOver(String deadWorker) {
    if (reach(() -> jdbc.update(STRIKE, deadWorker)) == 0) {
      return Optional.empty();
    }
    List<Ledger.Unrung> jobs = reach(() -> jdbc.query(HELD, Ledger::unrung, deadWorker));
    reach(() -> jdbc.update(FREE_JOBS, preferMicros, deadWorker));
    return Optional.of(jobs);
  }

  /**
   * Frees jobs whose owner was struck out by somebody who died before freeing them. Looks first:
   * the look locks nothing, the update every running job, and whoever claims or ends one of them in
   * that moment could be the loser of a deadlock.
   */
  public int freeOrphanedJobs() {
    if (reach(() -> jdbc.queryForList(LOOK_FOR_ORPHANED, Long.class)).isEmpty()) {
      return 0;
    }
    return reach(() -> jdbc.update(FREE_ORPHANED_JOBS, preferMicros));
  }

  /** A worker that has dropped its jobs, and goes on under another id: the jobs are free. */
  public void abandon(Worker worker) {
    reach(() -> jdbc.update(GIVE_UP_JOBS, worker.id()));
    retire(worker);
  }

  /** A planned end: the worker leaves the book, its jobs were handed back before. */
  public void retire(Worker worker) {
    reach(() -> jdbc.update(RETIRE, worker.id()));
  }
}
