package routes.ledger;

import static routes.ledger.Reach.reach;
import static routes.ledger.Statements.AGE;
import static routes.ledger.Statements.CLAIM;
import static routes.ledger.Statements.CLAIMED;
import static routes.ledger.Statements.COMPLETE_SHOP_ROW;
import static routes.ledger.Statements.DEAD;
import static routes.ledger.Statements.DONE;
import static routes.ledger.Statements.DOWNLOADED;
import static routes.ledger.Statements.END_WAITING;
import static routes.ledger.Statements.ENROL;
import static routes.ledger.Statements.ENTER;
import static routes.ledger.Statements.ENTER_AGAIN;
import static routes.ledger.Statements.FAIL_SHOP_ROW;
import static routes.ledger.Statements.FETCHING;
import static routes.ledger.Statements.HAND_BACK;
import static routes.ledger.Statements.HELD_BY;
import static routes.ledger.Statements.LOOK_UP;
import static routes.ledger.Statements.MANIFEST;
import static routes.ledger.Statements.NOTIFIED;
import static routes.ledger.Statements.PARK;
import static routes.ledger.Statements.PROBE;
import static routes.ledger.Statements.REUSED;
import static routes.ledger.Statements.RUNNING_OF_COURSE;
import static routes.ledger.Statements.RUNNING_OF_EMAIL;
import static routes.ledger.Statements.START_OVER;
import static routes.ledger.Statements.TRY_FAILED;
import static routes.ledger.Statements.UNRUNG;
import static routes.ledger.Statements.UNSEEN;
import static routes.ledger.Statements.UPLOADED;
import static routes.ledger.Statements.WAITING_FOR_COURSE;

import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.UncategorizedSQLException;
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
import routes.settings.Flow;
import routes.settings.Settings;

/**
 * The book of all jobs. Every statement Waybill makes on a job is here, says what it takes and
 * gives, and can be made twice without harm, since an answer can be lost after the database has
 * written.
 *
 * <p>Every method throws {@link LedgerAway} when the database cannot be reached. Every write about
 * a claimed job throws {@link JobLost} when the job's token is no longer the newest.
 */
public final class Ledger {
  /** How much of a report goes into an {@code error_log} that turns out to be too short for it. */
  private static final int SHORT_REPORT = 250;

  private final JdbcTemplate jdbc;
  private final TransactionTemplate transaction;
  private final Path staging;
  private final String inbox;
  private final String vipInbox;
  private final Flow.Limits limits;
  private final long maxWaitMicros;
  private final long preferMicros;

  public Ledger(DataSource database, Settings settings) {
    this.inbox = settings.queue().inbox();
    this.vipInbox = settings.queue().vipInbox();
    this.limits = settings.flow().limits();
    this.preferMicros = settings.recovery().preferSameHost().toMillis() * 1000;
    this.jdbc = new JdbcTemplate(database);
    this.transaction = new TransactionTemplate(new DataSourceTransactionManager(database));
    this.staging = settings.download().staging();
    this.maxWaitMicros = settings.enrolment().maxWait().toMillis() * 1000;
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
                  job.courseUrl().key(),
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
                              job.courseUrl().key(),
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
                      if (changed == 1
                          && outcome == Outcome.READY
                          && stage.isAtLeast(Stage.UPLOADED)) {
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
    tellShop(errorLog, text -> reach(() -> jdbc.update(FAIL_SHOP_ROW, text, taskId)));
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
                        tellShop(errorLog, text -> jdbc.update(FAIL_SHOP_ROW, text, taskId));
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
          jdbc.update(
              CLAIM,
              worker.id(),
              worker.host(),
              taskId,
              worker.host(),
              Holds.QUEUE + vipInbox,
              Holds.QUEUE + inbox);
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
    tellShop(errorLog, text -> write(flight, DEAD, error, text, flight.taskId(), flight.token()));
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

  /** A claim as the ledger has it. */
  public record Stray(long taskId, long token) {}

  public List<Stray> heldBy(Worker worker) {
    return reach(
        () ->
            jdbc.query(
                HELD_BY, (row, n) -> new Stray(row.getLong(1), row.getLong(2)), worker.id()));
  }

  public boolean handBack(Stray stray) {
    return reach(() -> jdbc.update(HAND_BACK, 0, 0, stray.taskId(), stray.token())) == 1;
  }

  /**
   * The job waits in the ledger for something that concerns others too; it uses up no try.
   *
   * @param hold a stage, {@code course} or {@code email}
   */
  public void park(Flight flight, String hold) {
    write(flight, PARK, hold, flight.taskId(), flight.token());
    flight.land();
  }

  /** How many other jobs of the same buyer run, in all processes. */
  public int runningOfEmail(Flight flight) {
    return count(RUNNING_OF_EMAIL, flight.email(), flight.taskId());
  }

  /** How many other jobs of the same course run, in all processes. */
  public int runningOfCourse(Flight flight) {
    return count(RUNNING_OF_COURSE, flight.courseKey(), flight.taskId());
  }

  /** How many others are downloading or uploading the same course. */
  public int fetching(Flight flight) {
    return count(FETCHING, flight.courseKey(), flight.taskId());
  }

  private int count(String statement, Object... values) {
    return reach(() -> jdbc.queryForObject(statement, Integer.class, values));
  }

  /** Jobs that wait until somebody else has delivered the same course. */
  public List<Unrung> waitingForCourse(String courseKey) {
    return reach(() -> jdbc.query(WAITING_FOR_COURSE, Ledger::unrung, courseKey));
  }

  /** What another job has delivered, and the remote still holds, is this one's delivery too. */
  public void reused(Flight flight, String folder, Manifest manifest) {
    write(flight, REUSED, folder, manifest.toJson(), flight.taskId(), flight.token());
    flight.downloaded(folder, manifest);
    flight.reached(Stage.UPLOADED);
  }

  /**
   * What has been downloaded is not on this host and not at the remote: the job is free again, and
   * begins anew.
   */
  public void startOver(Flight flight) {
    write(flight, START_OVER, UUID.randomUUID().toString(), flight.taskId(), flight.token());
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
    List<Unrung> jobs = new ArrayList<>();
    jobs.addAll(
        reach(
            () ->
                jdbc.query(
                    UNRUNG,
                    Ledger::unrung,
                    age.toMillis() * 1000,
                    limits.ofCourse(),
                    limits.ofEmail(),
                    most)));
    jobs.addAll(reach(() -> jdbc.query(PROBE, Ledger::unrung)));
    return jobs;
  }

  static Unrung unrung(ResultSet row, int n) throws SQLException {
    return new Unrung(row.getLong(1), row.getBoolean(2), row.getLong(3));
  }

  /**
   * The shop's {@code error_log} may be short, or of a character set that lacks something: less is
   * better than nothing.
   */
  private static void tellShop(String errorLog, Consumer<String> write) {
    try {
      write.accept(errorLog);
    } catch (DataIntegrityViolationException | UncategorizedSQLException columnCannotHoldIt) {
      String ascii = errorLog.replaceAll("[^\\x20-\\x7e\n]", "?");
      write.accept(ascii.substring(0, Math.min(SHORT_REPORT, ascii.length())));
    }
  }

  private void write(Flight flight, String statement, Object... values) {
    if (reach(() -> jdbc.update(statement, values)) == 0) {
      flight.land();
      throw new JobLost(flight.taskId(), flight.token());
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
        row.getString("course_key"),
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
