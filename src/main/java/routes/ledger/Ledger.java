package routes.ledger;

import static routes.ledger.Reach.reach;
import static routes.ledger.Statements.AGE;
import static routes.ledger.Statements.CLAIM;
import static routes.ledger.Statements.CLAIMED;
import static routes.ledger.Statements.CLAIM_AS_ENTERED;
import static routes.ledger.Statements.COMPLETE_SHOP_ROW;
import static routes.ledger.Statements.DEAD;
import static routes.ledger.Statements.DONE;
import static routes.ledger.Statements.DOWNLOADED;
import static routes.ledger.Statements.FETCHING;
import static routes.ledger.Statements.HAND_BACK;
import static routes.ledger.Statements.HELD_BY;
import static routes.ledger.Statements.IS_OVER;
import static routes.ledger.Statements.MANIFEST;
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
import static routes.ledger.Statements.UPLOADED_WITHOUT_ERROR;
import static routes.ledger.Statements.WAITING_FOR_COURSE;

import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;
import routes.job.Flight;
import routes.job.JobLost;
import routes.job.Manifest;
import routes.job.Sandbox;
import routes.job.Stage;
import routes.settings.Flow;
import routes.settings.Settings;

/**
 * The book of all jobs, from the claim to the end; {@link Admission} is the way into it. Every
 * statement can be made twice without harm, since an answer can be lost after the database has
 * written.
 *
 * <p>Every method throws {@link LedgerAway} when the database cannot be reached. Every write about
 * a claimed job throws {@link JobLost} when the job's token is no longer the newest.
 */
public final class Ledger {
  private final JdbcTemplate jdbc;
  private final Path staging;
  private final String inbox;
  private final String vipInbox;
  private final Supplier<Flow.Limits> limits;
  private final JustEntered justEntered;
  private final boolean oneFetches;
  private final long preferMicros;

  /**
   * @param limits as of now
   * @param justEntered by {@link Admission}
   */
  public Ledger(
      DataSource database,
      Settings settings,
      Supplier<Flow.Limits> limits,
      JustEntered justEntered) {
    this.justEntered = justEntered;
    this.inbox = settings.queueOf(false);
    this.vipInbox = settings.queueOf(true);
    this.limits = limits;
    this.oneFetches = settings.flow().cache().enabled();
    this.preferMicros = settings.recovery().preferSameHost().toMillis() * 1000;
    this.jdbc = new JdbcTemplate(database);
    this.staging = settings.download().staging();
  }

  /**
   * Takes a job that is ready; empty if it is not, or somebody else was faster. An own claim whose
   * answer was lost counts as taken.
   */
  public Optional<Flight> claim(long taskId, Worker worker) {
    JustEntered.Row entered = justEntered.take(taskId);
    return reach(
        () -> {
          if (entered != null && claimAsEntered(taskId, entered, worker)) {
            return Optional.of(flight(taskId, entered, worker.id()));
          }
          jdbc.update(CLAIM, claimValues(taskId, worker));
          Optional<Flight> claimed =
              jdbc
                  .query(CLAIMED, (row, n) -> flight(row, worker.id()), taskId, worker.id())
                  .stream()
                  .findFirst();
          if (claimed.isPresent() && claimed.get().stage().isAtLeast(Stage.UPLOADED)) {
            jdbc.update(COMPLETE_SHOP_ROW, taskId);
          }
          return claimed;
        });
  }

  private boolean claimAsEntered(long taskId, JustEntered.Row entered, Worker worker) {
    List<Object> values = new ArrayList<>(List.of(claimValues(taskId, worker)));
    values.add(entered.vip());
    values.add(entered.deliveryId());
    return jdbc.update(CLAIM_AS_ENTERED, values.toArray()) == 1;
  }

  private Object[] claimValues(long taskId, Worker worker) {
    return new Object[] {
      worker.id(), worker.host(), taskId, worker.host(), Holds.QUEUE + vipInbox, Holds.QUEUE + inbox
    };
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
    Object[] values = {flight.taskId(), flight.token()};
    if (reach(() -> jdbc.update(UPLOADED_WITHOUT_ERROR, values)) == 0) {
      write(flight, UPLOADED, values);
    }
    flight.reached(Stage.UPLOADED);
  }

  /** The job has ended well; that the shop knows of the delivery is written down here too. */
  public void done(Flight flight) {
    write(flight, DONE, flight.taskId(), flight.token());
    flight.land();
    flight.reached(Stage.CLEANED);
  }

  public void tryFailed(Flight flight, String error) {
    write(
        flight,
        TRY_FAILED,
        flight.attempts(),
        error,
        unwritten(flight),
        flight.taskId(),
        flight.token());
  }

  /**
   * The shop's answer is written down with what comes next: the end, a failed clean-up, or the way
   * back. Null for all other stages, which are written when they are reached.
   */
  private static String unwritten(Flight flight) {
    return flight.stage() == Stage.NOTIFIED ? Stage.NOTIFIED.label() : null;
  }

  /**
   * The job is dead, the shop's row {@code failed}; files and manifest stay for whoever sets it
   * going again.
   *
   * @param forGood whether another attempt could not help
   */
  public void bury(Flight flight, String error, String errorLog, boolean forGood) {
    Admission.tellShop(
        errorLog,
        text -> write(flight, DEAD, error, forGood, text, flight.taskId(), flight.token()));
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
                        unwritten(flight),
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
    return reach(() -> jdbc.update(HAND_BACK, null, 0, 0, stray.taskId(), stray.token())) == 1;
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

  /** Whether the job is known, and nobody runs it under this token. */
  public boolean isOver(long taskId, long token) {
    return reach(() -> jdbc.queryForObject(IS_OVER, Integer.class, taskId, token)) == 1;
  }

  /**
   * @param downloaded whether its download is behind it
   * @param micros since the epoch, when the job was received
   */
  public record Unrung(long taskId, boolean vip, boolean downloaded, long micros) {}

  /**
   * Jobs that have been ready for a while: their ring may have been lost.
   *
   * @param mayDownload whether those that have nothing downloaded yet are wanted: with no room for
   *     them, they would hide those that free some
   */
  public List<Unrung> unrung(Duration age, boolean mayDownload, int most) {
    Flow.Limits now = limits.get();
    // With the delivery cache on, the others wait for the one that fetches.
    int ofCourse = oneFetches ? 1 : now.ofCourse();
    String vipHold = Holds.QUEUE + vipInbox;
    String hold = Holds.QUEUE + inbox;
    Object[] values = {
      age.toMillis() * 1000, mayDownload, vipHold, hold, ofCourse, now.ofEmail(), most
    };
    List<Unrung> jobs = new ArrayList<>(reach(() -> jdbc.query(UNRUNG, Ledger::unrung, values)));
    jobs.addAll(reach(() -> jdbc.query(PROBE, Ledger::unrung, vipHold, hold)));
    return jobs;
  }

  static Unrung unrung(ResultSet row, int n) throws SQLException {
    return new Unrung(row.getLong(1), row.getBoolean(2), row.getBoolean(4), row.getLong(3));
  }

  private void write(Flight flight, String statement, Object... values) {
    if (reach(() -> jdbc.update(statement, values)) == 0) {
      flight.land();
      throw new JobLost(flight.taskId(), flight.token());
    }
  }

  private Flight flight(long taskId, JustEntered.Row entered, String owner) {
    return new Flight(
        taskId,
        1,
        owner,
        entered.orderId(),
        entered.email(),
        entered.courseUrl(),
        entered.courseKey(),
        entered.vip(),
        Stage.ENROLLED,
        0,
        0,
        Sandbox.of(staging, taskId).path(),
        null,
        null,
        entered.deliveryId());
  }

  private Flight flight(ResultSet row, String owner) throws SQLException {
    long taskId = row.getLong("task_id");
    String stage = row.getString("stage");
    String manifest = row.getString("manifest");
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
        row.getString("delivery_id"));
  }
}
