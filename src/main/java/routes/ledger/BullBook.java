package routes.ledger;

import static routes.ledger.Reach.reach;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Which jobs of a BullMQ queue are about which tasks, and what their queue was told last. What it
 * ought to be told is the state of the task: nothing else is kept, and nothing can be forgotten.
 */
public final class BullBook {
  public static final String ACTIVE = "active";
  public static final String DELAYED = "delayed";
  public static final String FAILED = "failed";

  private static final String INSTALL =
      "INSERT IGNORE INTO waybill_installation (one, id) VALUES (1, ?)";

  /** In, for each: queue, job id, task id, owner. They are active. */
  private static String enter(int jobs) {
    String row = "(?, ?, ?, 'active', ?, UTC_TIMESTAMP(6))";
    return "INSERT INTO waybill_bullmq (queue, job_id, task_id, told, owner, told_at) VALUES "
        + row
        + (", " + row).repeat(jobs - 1)
        + " ON DUPLICATE KEY UPDATE task_id = VALUES(task_id), told = VALUES(told),"
        + " owner = VALUES(owner), told_at = VALUES(told_at)";
  }

  private static final String ROW =
      """
      SELECT b.job_id, b.task_id, b.told, j.state, j.stage, j.folder, j.last_error, j.for_good, t.error_log
        FROM waybill_bullmq b
        JOIN waybill_job j ON j.task_id = b.task_id
        LEFT JOIN download_tasks t ON t.id = b.task_id
       WHERE b.queue = ?""";

  /** In: queue, limit. Out: jobs whose queue does not know yet where their task stands. */
  private static final String UNTOLD =
      ROW
          + """
           AND ((b.told = 'active' AND j.state NOT IN ('ready', 'running'))
             OR (b.told = 'delayed' AND j.state <> 'waiting')
             OR (b.told = 'failed' AND j.state IN ('ready', 'running', 'done')))
           LIMIT ?""";

  private static final String HELD =
      """
      SELECT b.job_id, b.task_id, b.owner FROM waybill_bullmq b JOIN waybill_job j ON j.task_id = b.task_id
       WHERE b.queue = ? AND b.told = 'active' AND j.state IN ('ready', 'running')""";

  /** In: task id. Out: 1 if the shop's row says what can only be another worker's word. */
  private static final String DELIVERED_ELSEWHERE =
      """
      SELECT COUNT(*) FROM waybill_job j JOIN download_tasks t ON t.id = j.task_id
       WHERE j.task_id = ? AND t.status = 'completed'
         AND (j.stage IS NULL OR j.stage IN ('enrolled', 'downloaded'))""";

  /** In: task id. The shop's row is left alone: it is the other worker's now. */
  private static final String LEAVE =
      """
      UPDATE waybill_job
         SET state = 'cancelled', owner = NULL, token = token + 1, hold = NULL, next_at = NULL,
             last_error = 'another worker of the BullMQ queue has it', finished_at = UTC_TIMESTAMP(6),
             updated_at = UTC_TIMESTAMP(6)
       WHERE task_id = ? AND state IN ('waiting', 'ready', 'running')""";

  /** In: queue, age in seconds, limit. */
  private static final String FAILED_BEFORE =
      """
      SELECT job_id FROM waybill_bullmq
       WHERE queue = ? AND told = 'failed' AND told_at < UTC_TIMESTAMP(6) - INTERVAL ? SECOND
       ORDER BY told_at LIMIT ?""";

  private static final String STILL_FAILED =
      """
      UPDATE waybill_bullmq SET told_at = UTC_TIMESTAMP(6)
       WHERE queue = ? AND job_id = ? AND told = 'failed'""";

  private static final String FORGET_OTHERS =
      """
      DELETE FROM waybill_bullmq
       WHERE queue <> ? AND told = 'failed' AND told_at < UTC_TIMESTAMP(6) - INTERVAL ? SECOND""";

  private static final String FORGET_FAILED =
      "DELETE FROM waybill_bullmq WHERE queue = ? AND job_id = ? AND told = 'failed'";

  /** In: queue, job id. */
  private static final String LAST_TOLD =
      "SELECT told FROM waybill_bullmq WHERE queue = ? AND job_id = ?";

  /** In: queue, job id. Out: nothing if somebody is telling the job something. */
  private static final String LOCK = LAST_TOLD + " FOR UPDATE SKIP LOCKED";

  /** How often, and in what steps, one that is being told something is waited for: two seconds. */
  private static final int LOOKS = 100;

  private static final long LOOK_NANOS = 20_000_000;

  private final JdbcTemplate jdbc;
  private final TransactionTemplate transaction;
  private final String queue;

  /**
   * @param queue prefix and name, as its keys have them
   */
  public BullBook(DataSource database, String queue) {
    this.jdbc = new JdbcTemplate(database);
    this.transaction = new TransactionTemplate(new DataSourceTransactionManager(database));
    this.queue = queue;
  }

  /** A name for all processes of this ledger together, the same for ever. */
  public String installation() {
    return reach(
        () -> {
          jdbc.update(INSTALL, UUID.randomUUID().toString());
          return jdbc.queryForObject("SELECT id FROM waybill_installation", String.class);
        });
  }

  /** A job, and the task that it is about. */
  public record Taken(String jobId, long taskId) {}

  /** Jobs have come, or have come back; their queue knows that they are active. */
  public void taken(Collection<Taken> jobs, String owner) {
    if (jobs.isEmpty()) {
      return;
    }
    List<Object> values = new ArrayList<>();
    jobs.forEach(job -> values.addAll(List.of(queue, job.jobId(), job.taskId(), owner)));
    reach(() -> jdbc.update(enter(jobs.size()), values.toArray()));
  }

  /**
   * What the queue was told last about a job; empty if it is new. Waits for whoever is telling it
   * something, but not for long: that process may be frozen.
   */
  public Optional<String> lastTold(String jobId) {
    for (int i = 0; i < LOOKS; i++) {
      Optional<String> told = read(LOCK, jobId);
      if (told.isPresent() || read(LAST_TOLD, jobId).isEmpty()) {
        return told;
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
    return read(LAST_TOLD, jobId);
  }

  private Optional<String> read(String sql, String jobId) {
    return reach(() -> jdbc.queryForList(sql, String.class, queue, jobId).stream().findFirst());
  }

  /**
   * A job and where its task stands.
   *
   * @param stage null before the enrolment
   * @param forGood whether another attempt could not help
   * @param errorLog of the shop's row; may be null
   */
  public record Standing(
      String jobId,
      long taskId,
      String told,
      String state,
      String stage,
      String folder,
      String lastError,
      boolean forGood,
      String errorLog) {
    public boolean isUnderWay() {
      return state.equals("ready") || state.equals("running");
    }
  }

  /** Jobs whose queue does not know yet where their task stands. */
  public List<Standing> untold(int most) {
    return reach(() -> jdbc.query(UNTOLD, BullBook::standing, queue, most));
  }

  /** All jobs that are about one of these tasks. */
  public List<Standing> about(Collection<Long> tasks) {
    if (tasks.isEmpty()) {
      return List.of();
    }
    List<Object> values = new ArrayList<>(List.of(queue));
    values.addAll(tasks);
    return reach(
        () ->
            jdbc.query(
                ROW + " AND b.task_id IN (" + marks(tasks.size()) + ")",
                BullBook::standing,
                values.toArray()));
  }

  /** A job whose lock has to be kept. */
  public record Held(String jobId, long taskId, String owner) {}

  /** Of all processes: whichever lives keeps the locks of all. */
  public List<Held> held() {
    return reach(
        () ->
            jdbc.query(
                HELD,
                (row, n) -> new Held(row.getString(1), row.getLong(2), row.getString(3)),
                queue));
  }

  public void told(String jobId, String what) {
    reach(
        () ->
            jdbc.update(
                "UPDATE waybill_bullmq SET told = ?, told_at = UTC_TIMESTAMP(6) WHERE queue = ? AND job_id = ?",
                what,
                queue,
                jobId));
  }

  /**
   * Tells a job that it has failed, if it and its task are still as they were read: every process
   * looks at every job, and of those that have seen the failure, one is to tell. Somebody may set
   * it going again as soon as it is told: {@link #lastTold} waits until it is written down.
   *
   * @return false if they are not so any more, or somebody else is telling it; nothing is told then
   */
  public boolean fails(Standing seen, Runnable order) {
    return reach(
        () ->
            transaction.execute(
                status -> {
                  if (read(LOCK, seen.jobId()).isEmpty()
                      || !about(List.of(seen.taskId())).contains(seen)) {
                    return false;
                  }
                  order.run();
                  told(seen.jobId(), FAILED);
                  return true;
                }));
  }

  /** They have ended well, or are not ours: nothing more will be told. */
  public void forget(Collection<String> jobIds) {
    if (jobIds.isEmpty()) {
      return;
    }
    List<Object> values = new ArrayList<>(List.of(queue));
    values.addAll(jobIds);
    reach(
        () ->
            jdbc.update(
                "DELETE FROM waybill_bullmq WHERE queue = ? AND job_id IN ("
                    + marks(jobIds.size())
                    + ")",
                values.toArray()));
  }

  private static String marks(int number) {
    return "?" + ", ?".repeat(number - 1);
  }

  /** Jobs that have failed, and that nobody has set going again for so long; the oldest first. */
  public List<String> failedBefore(Duration age, int most) {
    return reach(
        () -> jdbc.queryForList(FAILED_BEFORE, String.class, queue, age.toSeconds(), most));
  }

  /** Failed jobs of a queue that has another name by now. */
  public void forgetOtherQueues(Duration age) {
    reach(() -> jdbc.update(FORGET_OTHERS, queue, age.toSeconds()));
  }

  /** Of jobs that have failed: those that their queue keeps are asked for again as much later. */
  public void stillFailed(Collection<String> kept, Collection<String> gone) {
    kept.forEach(jobId -> reach(() -> jdbc.update(STILL_FAILED, queue, jobId)));
    gone.forEach(jobId -> reach(() -> jdbc.update(FORGET_FAILED, queue, jobId)));
  }

  /** Whether the shop's row says that a task is delivered, and not by us. */
  public boolean isDeliveredElsewhere(long taskId) {
    return reach(() -> jdbc.queryForObject(DELIVERED_ELSEWHERE, Integer.class, taskId)) > 0;
  }

  /** Somebody else's worker has the job: ours ends, and writes nothing more to the shop. */
  public boolean leave(long taskId) {
    return reach(() -> jdbc.update(LEAVE, taskId)) == 1;
  }

  private static Standing standing(ResultSet row, int n) throws SQLException {
    return new Standing(
        row.getString(1),
        row.getLong(2),
        row.getString(3),
        row.getString(4),
        row.getString(5),
        row.getString(6),
        row.getString(7),
        row.getBoolean(8),
        row.getString(9));
  }
}
