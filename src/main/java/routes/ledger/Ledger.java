package routes.ledger;

import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import routes.job.CourseUrl;
import routes.job.Flight;
import routes.job.Job;
import routes.job.JobLost;
import routes.job.Manifest;
import routes.job.Rejected;
import routes.job.Sandbox;
import routes.job.Stage;
import routes.ledger.Entered.Outcome;

/**
 * The book of all jobs. Every statement Waybill makes on a job is here, says what it takes and
 * gives, and can be made twice without harm, since an answer can be lost after the database has
 * written.
 *
 * <p>Every method throws {@link LedgerAway} when the database cannot be reached. Every write about
 * a claimed job throws {@link JobLost} when the job's token is no longer the newest.
 */
public final class Ledger {
  /**
   * In: task id. Out: one row always; what the shop and the ledger say of the task, NULLs where
   * nothing.
   */
  private static final String LOOK_UP =
      """
      SELECT t.id AS row_id, t.status, t.course_url AS row_url, t.order_id, j.task_id, j.state, j.stage,
             j.token, j.course_url, j.vip
        FROM (SELECT ? AS id) k
        LEFT JOIN download_tasks t ON t.id = k.id
        LEFT JOIN waybill_job j ON j.task_id = k.id""";

  /**
   * In: the job, its state and stage, its longest wait in microseconds. Fails if the task has a
   * row.
   */
  private static final String ENTER =
      """
      INSERT INTO waybill_job (task_id, order_id, email, course_url, payload, vip, state, stage, delivery_id,
                               wait_until, enrolled_at, received_at, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NOW(6) + INTERVAL ? MICROSECOND,
              IF(? = 'ready', NOW(6), NULL), NOW(6), NOW(6))""";

  /**
   * In: as {@link #ENTER}, then task id and the token that was seen. Out: 1 if the task had ended
   * and now goes on.
   */
  private static final String ENTER_AGAIN =
      """
      UPDATE waybill_job
         SET order_id = ?, email = ?, course_url = ?, payload = ?, vip = ?, state = ?, stage = ?,
             delivery_id = COALESCE(?, delivery_id), folder = IF(?, folder, NULL), manifest = IF(?, manifest, NULL),
             attempts = 0, crashes = 0, first_crash_at = NULL, owner = NULL, token = token + 1, next_at = NULL,
             prefer_until = NULL, last_error = NULL,
             wait_until = NOW(6) + INTERVAL ? MICROSECOND, enrolled_at = IF(? = 'ready', NOW(6), NULL),
             received_at = NOW(6), finished_at = NULL, updated_at = NOW(6)
       WHERE task_id = ? AND token = ? AND state IN ('done', 'dead', 'cancelled')""";

  /** In: task id. Out: 1 if it waited and is now ready. */
  private static final String ENROL =
      """
      UPDATE waybill_job
         SET state = 'ready', stage = COALESCE(stage, 'enrolled'), enrolled_at = NOW(6), updated_at = NOW(6)
       WHERE task_id = ? AND state = 'waiting'""";

  /** In: new state, reason, task id. Out: 1 if it waited and has now ended. */
  private static final String END_WAITING =
      """
      UPDATE waybill_job SET state = ?, last_error = ?, finished_at = NOW(6), updated_at = NOW(6)
       WHERE task_id = ? AND state = 'waiting'""";

  /** In: owner, host, task id, host. Out: 1 if the job is now the owner's. */
  private static final String CLAIM =
      """
      UPDATE waybill_job
         SET state = 'running', owner = ?, host = ?, token = token + 1, prefer_until = NULL,
             claimed_at = NOW(6), updated_at = NOW(6)
       WHERE task_id = ? AND state = 'ready' AND (next_at IS NULL OR next_at <= NOW(6))
         AND (prefer_until IS NULL OR prefer_until <= NOW(6) OR host = ?)""";

  /** In: task id, owner. Out: the claimed job. */
  private static final String CLAIMED =
      """
      SELECT task_id, token, order_id, email, course_url, vip, stage, attempts, crashes, folder, manifest,
             delivery_id, claimed_at
        FROM waybill_job WHERE task_id = ? AND owner = ? AND state = 'running'""";

  /** In: folder, manifest, task id, token. */
  private static final String DOWNLOADED =
      """
      UPDATE waybill_job
         SET stage = 'downloaded', folder = ?, manifest = ?, attempts = 0, last_error = NULL,
             downloaded_at = NOW(6), updated_at = NOW(6)
       WHERE task_id = ? AND token = ? AND state = 'running'""";

  /** In: manifest, task id, token. */
  private static final String MANIFEST =
      """
      UPDATE waybill_job SET manifest = ?, updated_at = NOW(6)
       WHERE task_id = ? AND token = ? AND state = 'running'""";

  /** In: task id, token. Stage and shop status change together or not at all. */
  private static final String UPLOADED =
      """
      UPDATE waybill_job j LEFT JOIN download_tasks t ON t.id = j.task_id
         SET j.stage = 'uploaded', j.attempts = 0, j.last_error = NULL, j.uploaded_at = NOW(6),
             j.updated_at = NOW(6), t.status = 'completed', t.error_log = NULL, t.updated_at = NOW()
       WHERE j.task_id = ? AND j.token = ? AND j.state = 'running'""";

  /** In: task id, token. */
  private static final String NOTIFIED =
      """
      UPDATE waybill_job
         SET stage = 'notified', attempts = 0, last_error = NULL, notified_at = NOW(6), updated_at = NOW(6)
       WHERE task_id = ? AND token = ? AND state = 'running'""";

  /** In: task id, token. */
  private static final String DONE =
      """
      UPDATE waybill_job
         SET stage = 'cleaned', state = 'done', owner = NULL, attempts = 0, last_error = NULL,
             finished_at = NOW(6), updated_at = NOW(6)
       WHERE task_id = ? AND token = ? AND state IN ('running', 'done')""";

  /** In: failed tries, error, task id, token. */
  private static final String TRY_FAILED =
      """
      UPDATE waybill_job SET attempts = ?, last_error = ?, updated_at = NOW(6)
       WHERE task_id = ? AND token = ? AND state = 'running'""";

  /**
   * In: error, error_log of the shop's row, task id, token. Both rows change together or not at
   * all.
   */
  private static final String DEAD =
      """
      UPDATE waybill_job j LEFT JOIN download_tasks t ON t.id = j.task_id
         SET j.state = 'dead', j.owner = NULL, j.last_error = ?, j.finished_at = NOW(6), j.updated_at = NOW(6),
             t.status = 'failed', t.error_log = ?, t.updated_at = NOW()
       WHERE j.task_id = ? AND j.token = ? AND j.state IN ('running', 'dead')""";

  /**
   * In: pause and preference of the host in microseconds, task id, token. Out: 1 if the job is free
   * again.
   */
  private static final String HAND_BACK =
      """
      UPDATE waybill_job
         SET state = 'ready', owner = NULL, next_at = NOW(6) + INTERVAL ? MICROSECOND,
             prefer_until = IF(stage IN ('enrolled', 'downloaded'), NOW(6) + INTERVAL ? MICROSECOND, NULL),
             updated_at = NOW(6)
       WHERE task_id = ? AND token = ? AND state = 'running'""";

  /** In: task id, token. The job is free again, with nothing done. */
  private static final String START_OVER =
      """
      UPDATE waybill_job
         SET state = 'ready', owner = NULL, stage = 'enrolled', folder = NULL, manifest = NULL, attempts = 0,
             next_at = NULL, prefer_until = NULL, updated_at = NOW(6)
       WHERE task_id = ? AND token = ? AND state = 'running'""";

  /**
   * In: age in seconds, limit. Out: tasks that the shop has enrolled and the ledger does not know.
   * Those that have just been enrolled may be on their way.
   */
  private static final String UNSEEN =
      """
      SELECT t.id, t.email, t.course_url
        FROM download_tasks t LEFT JOIN waybill_job j ON j.task_id = t.id
       WHERE t.status = 'enrolled' AND j.task_id IS NULL AND t.updated_at <= NOW() - INTERVAL ? SECOND
       ORDER BY t.id LIMIT ?""";

  /**
   * In: task id. Out: its state, and for how many seconds it has ended; no row if the ledger does
   * not know it.
   */
  private static final String AGE =
      "SELECT state, TIMESTAMPDIFF(SECOND, finished_at, NOW(6)) FROM waybill_job WHERE task_id = ?";

  /** In: error_log, task id. The row of a task that is under way, or has ended, is left alone. */
  private static final String FAIL_SHOP_ROW =
      """
      UPDATE download_tasks SET status = 'failed', error_log = ?, updated_at = NOW()
       WHERE id = ? AND status NOT IN ('completed', 'failed')
         AND NOT EXISTS (SELECT 1 FROM waybill_job j
                          WHERE j.task_id = download_tasks.id AND j.state IN ('waiting', 'ready', 'running'))""";

  /**
   * In: task id. For a job that goes on after its upload: the shop's row says again what is true.
   */
  private static final String COMPLETE_SHOP_ROW =
      "UPDATE download_tasks SET status = 'completed', error_log = NULL, updated_at = NOW() WHERE id = ?";

  /** In: longest age in seconds, limit. Out: jobs that are ready but may have lost their ring. */
  private static final String UNRUNG =
      """
      SELECT task_id, vip, CAST(UNIX_TIMESTAMP(received_at) * 1000000 AS UNSIGNED) AS received
        FROM waybill_job
       WHERE state = 'ready' AND updated_at <= NOW(6) - INTERVAL ? MICROSECOND
         AND (next_at IS NULL OR next_at <= NOW(6))
       ORDER BY updated_at LIMIT ?""";

  /** How much of a report goes into an {@code error_log} that turns out to be too short for it. */
  private static final int SHORT_REPORT = 250;

  private final JdbcTemplate jdbc;
  private final TransactionTemplate transaction;
  private final Path staging;
  private final long maxWaitMicros;
  private final long preferMicros;

  /**
   * @param staging where the sandboxes are
   * @param maxWait how long a task may wait for its enrolment
   * @param preferSameHost how long a job that is given back is kept for the host that has its files
   */
  public Ledger(DataSource database, Path staging, Duration maxWait, Duration preferSameHost) {
    this.preferMicros = preferSameHost.toMillis() * 1000;
    this.jdbc = new JdbcTemplate(database);
    this.transaction = new TransactionTemplate(new DataSourceTransactionManager(database));
    this.staging = staging;
    this.maxWaitMicros = maxWait.toMillis() * 1000;
  }

  /** What the shop and the ledger say of one task. */
  private record Known(
      ShopRow shop, boolean inLedger, String state, Stage stage, long token, String courseUrl) {
    boolean underWay() {
      return inLedger
          && (state.equals("waiting") || state.equals("ready") || state.equals("running"));
    }
  }

  /**
   * Enters a job that a producer pushed: the first promise is kept here.
   *
   * @throws Rejected if the shop's row says that there is nothing to deliver
   */
  public Entered enter(Job job) throws Rejected {
    Known known = reach(() -> jdbc.queryForObject(LOOK_UP, Ledger::known, job.taskId()));
    ShopRow shop = known.shop();
    if (known.underWay()) {
      return new Entered(Outcome.DUPLICATE, shop.orderId());
    }
    switch (shop.verdict()) {
      case MISSING ->
          throw Rejected.leavingTheRow(
              job.taskId(), "taskId: expected a row of download_tasks, found none: not found");
      case FAILED ->
          throw Rejected.leavingTheRow(
              job.taskId(), "status: expected 'enrolled' or one that leads to it, found 'failed'");
      case UNEXPECTED ->
          throw Rejected.failing(job.taskId(), "unexpected status '" + shop.status() + "'");
      case DELIVERED -> {
        return new Entered(Outcome.DUPLICATE, shop.orderId());
      }
      default -> checkUrl(job, shop);
    }
    Outcome outcome = shop.verdict() == ShopRow.Verdict.ENROLLED ? Outcome.READY : Outcome.WAITING;
    boolean entered =
        known.inLedger() ? enterAgain(job, known, outcome) : enterNew(job, shop, outcome);
    return new Entered(entered ? outcome : Outcome.DUPLICATE, shop.orderId());
  }

  private boolean enterNew(Job job, ShopRow shop, Outcome outcome) {
    String state = state(outcome);
    try {
      reach(
          () ->
              jdbc.update(
                  ENTER,
                  job.taskId(),
                  shop.orderId(),
                  job.email(),
                  job.courseUrl().toString(),
                  job.payload(),
                  job.vip(),
                  state,
                  outcome == Outcome.READY ? Stage.ENROLLED.label() : null,
                  UUID.randomUUID().toString(),
                  maxWaitMicros,
                  state));
      return true;
    } catch (DuplicateKeyException somebodyElseWasFaster) {
      return false;
    }
  }

  /**
   * Anew after a success, from where it stopped after a failure; anew too if the course is another
   * one now.
   */
  private boolean enterAgain(Job job, Known known, Outcome outcome) {
    boolean goesOn =
        !known.state().equals("done")
            && known.stage() != null
            && CourseUrl.normalize(known.courseUrl()).equals(job.courseUrl().normalized());
    Stage stage = goesOn ? known.stage() : outcome == Outcome.READY ? Stage.ENROLLED : null;
    String state = state(outcome);
    return Boolean.TRUE.equals(
        reach(
            () ->
                transaction.execute(
                    status -> {
                      int changed =
                          jdbc.update(
                              ENTER_AGAIN,
                              known.shop().orderId(),
                              job.email(),
                              job.courseUrl().toString(),
                              job.payload(),
                              job.vip(),
                              state,
                              stage == null ? null : stage.label(),
                              goesOn ? null : UUID.randomUUID().toString(),
                              goesOn,
                              goesOn,
                              maxWaitMicros,
                              state,
                              job.taskId(),
                              known.token());
                      if (changed == 1 && stage != null && stage.isAtLeast(Stage.UPLOADED)) {
                        jdbc.update(COMPLETE_SHOP_ROW, job.taskId());
                      }
                      return changed == 1;
                    })));
  }

  private static void checkUrl(Job job, ShopRow shop) throws Rejected {
    String row = shop.courseUrl() == null ? "" : CourseUrl.normalize(shop.courseUrl().strip());
    if (!row.equals(job.courseUrl().normalized())) {
      throw Rejected.failing(
          job.taskId(), "courseUrl: expected the course_url of the shop's row, found another");
    }
  }

  /**
   * Says in the shop's row why a payload was refused, unless the task is under way or has ended.
   */
  public void failShopRow(long taskId, String errorLog) {
    reach(() -> jdbc.update(FAIL_SHOP_ROW, errorLog, taskId));
  }

  /**
   * A task that waits, with what the shop says of it now.
   *
   * @param courseUrl as the producer gave it
   */
  public record Waiting(long taskId, boolean vip, String courseUrl, ShopRow shop) {}

  /** Empty if the task is unknown, or waits no longer. */
  public Optional<Waiting> waiting(long taskId) {
    return reach(
        () ->
            jdbc
                .query(
                    LOOK_UP,
                    (row, n) -> {
                      Known known = known(row, n);
                      return "waiting".equals(known.state())
                          ? new Waiting(
                              taskId, row.getBoolean("vip"), known.courseUrl(), known.shop())
                          : null;
                    },
                    taskId)
                .stream()
                .filter(java.util.Objects::nonNull)
                .findFirst());
  }

  /**
   * Moves those who waited and are enrolled now, each by its key.
   *
   * @return the ones that this worker moved; the others were somebody else's
   */
  public List<Long> enrol(List<Long> taskIds) {
    if (taskIds.isEmpty()) {
      return List.of();
    }
    int[] changed =
        reach(
            () ->
                transaction.execute(
                    status ->
                        jdbc.batchUpdate(
                            ENROL, taskIds.stream().map(id -> new Object[] {id}).toList())));
    List<Long> moved = new ArrayList<>();
    for (int i = 0; i < changed.length; i++) {
      if (changed[i] == 1) {
        moved.add(taskIds.get(i));
      }
    }
    return moved;
  }

  /**
   * Ends a wait in {@code dead} or {@code done}.
   *
   * @param errorLog for the shop's row, which becomes {@code failed}; null leaves the row as it is
   * @return false if it was no longer waiting
   */
  public boolean endWaiting(long taskId, String state, String reason, String errorLog) {
    return Boolean.TRUE.equals(
        reach(
            () ->
                transaction.execute(
                    status -> {
                      boolean ended = jdbc.update(END_WAITING, state, reason, taskId) == 1;
                      if (ended && errorLog != null) {
                        jdbc.update(FAIL_SHOP_ROW, errorLog, taskId);
                      }
                      return ended;
                    })));
  }

  /**
   * Takes a job that is ready; empty if it is not, or somebody else was faster. An own claim whose
   * answer was lost counts as taken.
   */
  public Optional<Flight> claim(long taskId, Worker worker) {
    return reach(
        () -> {
          jdbc.update(CLAIM, worker.id(), worker.host(), taskId, worker.host());
          return jdbc
              .query(CLAIMED, (row, n) -> flight(row, worker.id()), taskId, worker.id())
              .stream()
              .findFirst();
        });
  }

  /** The download is whole: its folder and what is in it are written down before anything moves. */
  public void downloaded(Flight flight) {
    write(
        flight,
        DOWNLOADED,
        flight.folder(),
        flight.manifest().toJson(),
        flight.taskId(),
        flight.token());
    flight.reached(Stage.DOWNLOADED);
  }

  /** A fuller manifest of the same delivery, with hashes. */
  public void manifest(Flight flight, Manifest manifest) {
    write(flight, MANIFEST, manifest.toJson(), flight.taskId(), flight.token());
    flight.downloaded(flight.folder(), manifest);
  }

  /** The remote holds everything: the shop's row says {@code completed} from the same moment. */
  public void uploaded(Flight flight) {
    write(flight, UPLOADED, flight.taskId(), flight.token());
    flight.reached(Stage.UPLOADED);
  }

  public void notified(Flight flight) {
    write(flight, NOTIFIED, flight.taskId(), flight.token());
    flight.reached(Stage.NOTIFIED);
  }

  public void done(Flight flight) {
    write(flight, DONE, flight.taskId(), flight.token());
    flight.land();
    flight.reached(Stage.CLEANED);
  }

  public void tryFailed(Flight flight, String error) {
    write(flight, TRY_FAILED, flight.attempts(), error, flight.taskId(), flight.token());
  }

  /**
   * The job is dead, the shop's row {@code failed}; files and manifest stay for whoever sets it
   * going again.
   */
  public void bury(Flight flight, String error, String errorLog) {
    try {
      write(flight, DEAD, error, errorLog, flight.taskId(), flight.token());
    } catch (DataIntegrityViolationException columnTooShort) {
      String shortened = errorLog.substring(0, Math.min(SHORT_REPORT, errorLog.length()));
      write(flight, DEAD, error, shortened, flight.taskId(), flight.token());
    }
    flight.land();
  }

  /**
   * Gives a job back as it is; nothing happens if it is no longer ours.
   *
   * @param pause before which nobody takes it
   */
  public boolean handBack(Flight flight, Duration pause) {
    boolean ours =
        reach(
                () ->
                    jdbc.update(
                        HAND_BACK,
                        pause.toMillis() * 1000,
                        preferMicros,
                        flight.taskId(),
                        flight.token()))
            > 0;
    flight.land();
    return ours;
  }

  /**
   * What has been downloaded is not on this host and not at the remote: the job is free again, and
   * begins anew.
   */
  public void startOver(Flight flight) {
    write(flight, START_OVER, flight.taskId(), flight.token());
    flight.land();
  }

  /** A task that the queue never brought. */
  public record Unseen(long taskId, String email, String courseUrl) {}

  public List<Unseen> unseen(Duration age, int most) {
    return reach(
        () ->
            jdbc.query(
                UNSEEN,
                (row, n) -> new Unseen(row.getLong(1), row.getString(2), row.getString(3)),
                age.toSeconds(),
                most));
  }

  /**
   * @param endedSeconds 0 while it has not ended
   */
  public record Age(String state, long endedSeconds) {}

  /** Empty if the ledger does not know the task. */
  public Optional<Age> age(long taskId) {
    return reach(
        () ->
            jdbc.query(AGE, (row, n) -> new Age(row.getString(1), row.getLong(2)), taskId).stream()
                .findFirst());
  }

  /**
   * @param micros since the epoch, when the job was received
   */
  public record Unrung(long taskId, boolean vip, long micros) {}

  /** Jobs that have been ready for a while: their ring may have been lost. */
  public List<Unrung> unrung(Duration age, int most) {
    return reach(
        () ->
            jdbc.query(
                UNRUNG,
                (row, n) -> new Unrung(row.getLong(1), row.getBoolean(2), row.getLong(3)),
                age.toMillis() * 1000,
                most));
  }

  private void write(Flight flight, String statement, Object... values) {
    if (reach(() -> jdbc.update(statement, values)) == 0) {
      flight.land();
      throw new JobLost(flight.taskId(), flight.token());
    }
  }

  private static <T> T reach(Supplier<T> work) {
    try {
      return work.get();
    } catch (RuntimeException e) {
      throw Reach.explain(e);
    }
  }

  private static String state(Outcome outcome) {
    return outcome == Outcome.READY ? "ready" : "waiting";
  }

  private static Known known(ResultSet row, int n) throws SQLException {
    row.getLong("row_id");
    String status = row.wasNull() ? null : String.valueOf(row.getString("status"));
    String stage = row.getString("stage");
    row.getLong("task_id");
    boolean inLedger = !row.wasNull();
    return new Known(
        new ShopRow(status, row.getString("row_url"), row.getString("order_id")),
        inLedger,
        row.getString("state"),
        stage == null ? null : Stage.of(stage),
        row.getLong("token"),
        row.getString("course_url"));
  }

  private Flight flight(ResultSet row, String owner) throws SQLException {
    long taskId = row.getLong("task_id");
    String stage = row.getString("stage");
    String manifest = row.getString("manifest");
    Timestamp claimed = row.getTimestamp("claimed_at");
    return new Flight(
        taskId,
        row.getLong("token"),
        owner,
        row.getString("order_id"),
        row.getString("email"),
        row.getString("course_url"),
        row.getBoolean("vip"),
        stage == null ? Stage.ENROLLED : Stage.of(stage),
        row.getInt("attempts"),
        row.getInt("crashes"),
        Sandbox.of(staging, taskId).path(),
        row.getString("folder"),
        manifest == null ? null : Manifest.fromJson(manifest),
        row.getString("delivery_id"),
        claimed.toInstant());
  }
}
