package routes.ledger;

import static routes.ledger.Reach.reach;
import static routes.ledger.Statements.END_WAITING;
import static routes.ledger.Statements.ENROL;
import static routes.ledger.Statements.ENTER_AGAIN;
import static routes.ledger.Statements.FAIL_SHOP_ROW;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
import routes.job.Job;
import routes.job.Rejected;
import routes.job.Stage;
import routes.ledger.Entered.Outcome;
import routes.settings.Settings;

/**
 * The way into the ledger: jobs that producers have pushed, and their wait for the enrolment. As in
 * {@link Ledger}, everything can be done twice without harm, and throws {@link LedgerAway} when the
 * database cannot be reached.
 */
public final class Admission {
  /** How much of a report goes into an {@code error_log} that turns out to be too short for it. */
  private static final int SHORT_REPORT = 250;

  /**
   * Rows that one statement moves. Fewer are moved one by one: every other number would be another
   * statement to prepare.
   */
  private static final int MOVED_AT_ONCE = 100;

  private final JdbcTemplate jdbc;
  private final TransactionTemplate transaction;
  private final long maxWaitMicros;
  private final JustEntered justEntered;

  /**
   * @param justEntered learns of the jobs that are ready at once
   */
  public Admission(DataSource database, Settings settings, JustEntered justEntered) {
    this.justEntered = justEntered;
    this.jdbc = new JdbcTemplate(database);
    this.transaction = new TransactionTemplate(new DataSourceTransactionManager(database));
    this.maxWaitMicros = settings.enrolment().maxWait().toMillis() * 1000;
  }

  /** What the shop and the ledger say of one task. */
  private record Known(
      ShopRow shop,
      boolean inLedger,
      boolean vip,
      String state,
      Stage stage,
      long token,
      String courseUrl) {
    boolean underWay() {
      return inLedger
          && (state.equals("waiting") || state.equals("ready") || state.equals("running"));
    }
  }

  /**
   * Enters jobs that producers pushed: the first promise is kept here. Those that are new go in
   * together, in one statement.
   *
   * @return what became of each, in the same order
   */
  public List<Entered> enter(List<Job> jobs) {
    Map<Job, Entered> together = jobs.size() > 1 ? enterTogether(jobs) : Map.of();
    List<Entered> all = new ArrayList<>();
    for (Job job : jobs) {
      all.add(together.containsKey(job) ? together.get(job) : enter(job));
    }
    return all;
  }

  /**
   * As {@link #enter(List)}, in one transaction with what else is to be written about them: who
   * dies in between leaves nothing.
   */
  public List<Entered> enter(List<Job> jobs, Consumer<List<Entered>> more) {
    return reach(
        () ->
            transaction.execute(
                status -> {
                  List<Entered> all = enter(jobs);
                  more.accept(all);
                  return all;
                }));
  }

  /** Gives those it has entered; whatever is not plain about the others is looked at one by one. */
  private Map<Job, Entered> enterTogether(List<Job> jobs) {
    Map<Long, Known> known = lookUp(jobs.stream().map(Job::taskId).distinct().toList());
    Set<Long> fresh = new HashSet<>();
    // By identity: the same message may have been pushed twice.
    Map<Job, Entered> entered = new IdentityHashMap<>();
    List<Object> values = new ArrayList<>();
    Map<Long, JustEntered.Row> ready = new HashMap<>();
    for (Job job : jobs) {
      Known task = known.get(job.taskId());
      if (fresh.contains(job.taskId()) || task.inLedger()) {
        continue;
      }
      try {
        Outcome outcome = outcome(job, task.shop());
        if (outcome != Outcome.DELIVERED) {
          fresh.add(job.taskId());
          entered.put(job, Entered.as(outcome, job, task.shop()));
          JustEntered.Row row = row(job, task.shop());
          Collections.addAll(values, newRow(job, row, outcome));
          if (outcome == Outcome.READY) {
            ready.put(job.taskId(), row);
          }
        }
      } catch (Rejected seenAgainBelow) {
        // it has a way of its own
      }
    }
    try {
      if (!entered.isEmpty()) {
        reach(() -> jdbc.update(Statements.enter(entered.size()), values.toArray()));
        ready.forEach(justEntered::add);
      }
      return entered;
    } catch (DataIntegrityViolationException oneOfThem) {
      return Map.of();
    }
  }

  private Entered enter(Job job) {
    Known known = lookUp(List.of(job.taskId())).get(job.taskId());
    try {
      if (known.underWay()) {
        return Entered.as(Outcome.DUPLICATE, job, known.shop());
      }
      Outcome outcome = outcome(job, known.shop());
      boolean entered =
          outcome == Outcome.DELIVERED
              || (known.inLedger()
                  ? enterAgain(job, known, outcome)
                  : enterNew(job, known.shop(), outcome));
      return Entered.as(entered ? outcome : Outcome.DUPLICATE, job, known.shop());
    } catch (DataIntegrityViolationException columnsCannotHoldIt) {
      return Entered.rejected(
          job, Rejected.failing(job.taskId(), "The ledger's tables cannot hold it"));
    } catch (Rejected nothingToDeliver) {
      return Entered.rejected(job, nothingToDeliver);
    }
  }

  private Map<Long, Known> lookUp(List<Long> taskIds) {
    Map<Long, Known> known = new HashMap<>();
    reach(
        () ->
            jdbc.query(
                Statements.lookUp(taskIds.size()),
                (row, n) -> known.put(row.getLong("asked"), known(row)),
                taskIds.toArray()));
    return known;
  }

  /**
   * What the shop's row means for a job that is not under way.
   *
   * @throws Rejected if there is nothing to deliver
   */
  private static Outcome outcome(Job job, ShopRow shop) throws Rejected {
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
        return Outcome.DELIVERED;
      }
      default -> checkUrl(job, shop);
    }
    return shop.verdict() == ShopRow.Verdict.ENROLLED ? Outcome.READY : Outcome.WAITING;
  }

  private static void checkUrl(Job job, ShopRow shop) throws Rejected {
    String row = shop.courseUrl() == null ? "" : CourseUrl.normalize(shop.courseUrl().strip());
    if (!row.equals(job.courseUrl().normalized())) {
      throw Rejected.failing(
          job.taskId(), "courseUrl: expected the course_url of the shop's row, found another");
    }
  }

  private boolean enterNew(Job job, ShopRow shop, Outcome outcome) {
    JustEntered.Row row = row(job, shop);
    try {
      reach(() -> jdbc.update(Statements.enter(1), newRow(job, row, outcome)));
      if (outcome == Outcome.READY) {
        justEntered.add(job.taskId(), row);
      }
      return true;
    } catch (DuplicateKeyException somebodyElseWasFaster) {
      return false;
    }
  }

  private static JustEntered.Row row(Job job, ShopRow shop) {
    return new JustEntered.Row(
        shop.orderId(),
        job.email(),
        job.courseUrl().toString(),
        job.courseUrl().key(),
        job.vip(),
        UUID.randomUUID().toString());
  }

  private Object[] newRow(Job job, JustEntered.Row row, Outcome outcome) {
    return new Object[] {
      job.taskId(),
      row.orderId(),
      row.email(),
      row.courseUrl(),
      row.courseKey(),
      job.payload(),
      row.vip(),
      state(outcome),
      outcome == Outcome.READY ? Stage.ENROLLED.label() : null,
      row.deliveryId(),
      maxWaitMicros,
      state(outcome)
    };
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
    int changed =
        reach(
            () ->
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
                    goesOn,
                    maxWaitMicros,
                    state,
                    job.taskId(),
                    known.token()));
    return changed == 1;
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
    Known known = lookUp(List.of(taskId)).get(taskId);
    return "waiting".equals(known.state())
        ? Optional.of(new Waiting(taskId, known.vip(), known.courseUrl(), known.shop()))
        : Optional.empty();
  }

  /**
   * Moves those who waited and are enrolled now, each by its key.
   *
   * @return the ones that this worker moved; the others were somebody else's
   */
  public List<Long> enrol(List<Long> taskIds) {
    List<Long> moved = new ArrayList<>();
    int at = 0;
    for (; at + MOVED_AT_ONCE <= taskIds.size(); at += MOVED_AT_ONCE) {
      moved.addAll(enrolTogether(taskIds.subList(at, at + MOVED_AT_ONCE)));
    }
    List<Long> rest = taskIds.subList(at, taskIds.size());
    if (rest.isEmpty()) {
      return moved;
    }
    int[] changed =
        reach(
            () ->
                transaction.execute(
                    status ->
                        jdbc.batchUpdate(
                            ENROL, rest.stream().map(id -> new Object[] {id}).toList())));
    for (int i = 0; i < changed.length; i++) {
      if (changed[i] == 1) {
        moved.add(rest.get(i));
      }
    }
    return moved;
  }

  /** Locked first, so that it is known which ones are moved. */
  private List<Long> enrolTogether(List<Long> taskIds) {
    return reach(
        () ->
            transaction.execute(
                status -> {
                  List<Long> waiting =
                      jdbc.queryForList(
                          Statements.lockWaiting(taskIds.size()), Long.class, taskIds.toArray());
                  jdbc.update(Statements.enrol(taskIds.size()), taskIds.toArray());
                  return waiting;
                }));
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
   * The shop's {@code error_log} may be short, or of a character set that lacks something: less is
   * better than nothing.
   */
  static void tellShop(String errorLog, Consumer<String> write) {
    try {
      write.accept(errorLog);
    } catch (DataIntegrityViolationException | UncategorizedSQLException columnCannotHoldIt) {
      String ascii = errorLog.replaceAll("[^\\x20-\\x7e\n]", "?");
      write.accept(ascii.substring(0, Math.min(SHORT_REPORT, ascii.length())));
    }
  }

  private static String state(Outcome outcome) {
    return outcome == Outcome.READY ? "ready" : "waiting";
  }

  private static Known known(ResultSet row) throws SQLException {
    row.getLong("row_id");
    String status = row.wasNull() ? null : String.valueOf(row.getString("status"));
    String stage = row.getString("stage");
    row.getLong("task_id");
    boolean inLedger = !row.wasNull();
    return new Known(
        new ShopRow(status, row.getString("row_url"), row.getString("order_id")),
        inLedger,
        row.getBoolean("vip"),
        row.getString("state"),
        stage == null ? null : Stage.of(stage),
        row.getLong("token"),
        row.getString("course_url"));
  }
}
