package routes.ledger;

import static routes.ledger.Reach.reach;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import java.util.UUID;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;
import routes.job.CourseUrl;
import routes.job.Job;
import routes.job.Stage;

/**
 * What an operator does to a job. Each is one statement that takes the job's token along: whoever
 * works on it at that moment may write no more, finds out within two seconds, and ends its
 * programs.
 */
public final class Steering {
  /** In: reason, error_log of the shop's row, task id. Out: none if the job has ended. */
  private static final String CANCEL =
      """
      UPDATE waybill_job j LEFT JOIN download_tasks t ON t.id = j.task_id
         SET j.state = 'cancelled', j.owner = NULL, j.token = j.token + 1, j.hold = NULL, j.next_at = NULL,
             j.last_error = ?, j.finished_at = UTC_TIMESTAMP(6), j.updated_at = UTC_TIMESTAMP(6),
             t.status = 'failed', t.error_log = ?, t.updated_at = NOW()
       WHERE j.task_id = ? AND j.state IN ('waiting', 'ready', 'running')""";

  /**
   * In: the stage it goes on after, a new delivery id if it begins before what it had reached, task
   * id. Out: none if the job has not ended in vain.
   */
  private static final String RETRY =
      """
      UPDATE waybill_job j LEFT JOIN download_tasks t ON t.id = j.task_id
         SET j.state = 'ready', j.stage = ?, j.delivery_id = COALESCE(?, j.delivery_id), j.attempts = 0, j.crashes = 0,
             j.first_crash_at = NULL, j.owner = NULL, j.token = j.token + 1, j.hold = NULL, j.next_at = NULL,
             j.prefer_until = NULL, j.last_error = NULL, j.finished_at = NULL, j.notified_at = NULL,
             j.updated_at = UTC_TIMESTAMP(6), t.status = 'enrolled', t.error_log = NULL, t.updated_at = NOW()
       WHERE j.task_id = ? AND j.state IN ('dead', 'cancelled') AND j.token = ?""";

  /**
   * In: task id. Out: a job that has failed here after its enrolment, and whose row of the shop
   * says so; none where the shop has said something else since.
   */
  private static final String AS_LEFT =
      """
      SELECT j.email, j.course_url, j.stage, j.token, j.vip, t.course_url AS row_url
        FROM waybill_job j JOIN download_tasks t ON t.id = j.task_id
       WHERE j.task_id = ? AND j.state IN ('dead', 'cancelled') AND j.stage IS NOT NULL
         AND j.enrolled_at IS NOT NULL AND t.status = 'failed'""";

  /** In: as for {@link #RETRY}, and the course of the shop's row. Out: none if it has changed. */
  private static final String GO_ON = RETRY + " AND t.status = 'failed' AND t.course_url = ?";

  private static final String NOW =
      "SELECT state, stage, token, vip FROM waybill_job WHERE task_id = ?";

  /** What is asked for is not possible; the message says why. */
  public static final class NotPossible extends RuntimeException {
    private final boolean unknown;

    private NotPossible(String message, boolean unknown) {
      super(message, null, false, false);
      this.unknown = unknown;
    }

    /** Whether there is no such job at all. */
    public boolean unknown() {
      return unknown;
    }
  }

  /**
   * A job that goes on.
   *
   * @param vip whether it is one of those who go first
   */
  public record Going(boolean vip, Stage after) {}

  private record Left(
      String email, String courseUrl, Stage stage, long token, boolean vip, String rowUrl) {
    boolean isOf(Job job) {
      String course = job.courseUrl().normalized();
      return email.equals(job.email())
          && course.equals(CourseUrl.normalize(courseUrl))
          && rowUrl != null
          && course.equals(CourseUrl.normalize(rowUrl.strip()));
    }
  }

  private record Now(String state, Stage stage, long token, boolean vip) {}

  private final JdbcTemplate jdbc;

  public Steering(DataSource database) {
    this.jdbc = new JdbcTemplate(database);
  }

  /**
   * Ends a job, wherever it runs; its files stay as after a failure.
   *
   * @param by whom, for the shop's error_log and the ledger
   * @throws NotPossible if it is unknown, or has ended
   */
  public void cancel(long taskId, String by) {
    String reason = "cancelled by " + by;
    if (reach(() -> jdbc.update(CANCEL, reason, reason, taskId)) == 0) {
      Now job = now(taskId);
      throw new NotPossible(
          "task " + taskId + ": expected a job that is under way, found it " + job.state(), false);
    }
  }

  /**
   * Sets a job going that has ended in vain.
   *
   * @param from the first work to be done: {@code download}, {@code upload} or {@code webhook};
   *     null for the one at which it stopped
   * @return to be rung for
   * @throws NotPossible if it is unknown, has not ended in vain, has not come that far, or was
   *     never enrolled
   */
  public Going retry(long taskId, String from) {
    Now job = now(taskId);
    if (!job.state().equals("dead") && !job.state().equals("cancelled")) {
      throw new NotPossible(
          "task " + taskId + ": expected a job that is dead or cancelled, found it " + job.state(),
          false);
    }
    if (job.stage() == null) {
      throw new NotPossible(
          "task "
              + taskId
              + ": it was never enrolled. Set its row to 'enrolled' and push it once more",
          false);
    }
    Stage after = from == null ? job.stage() : before(from);
    if (!job.stage().isAtLeast(after)) {
      throw new NotPossible(
          "task " + taskId + ": it stopped after " + job.stage().label() + ", before " + from,
          false);
    }
    String newDelivery = after == job.stage() ? null : UUID.randomUUID().toString();
    int changed = reach(() -> jdbc.update(RETRY, after.label(), newDelivery, taskId, job.token()));
    if (changed == 0) {
      throw new NotPossible("task " + taskId + ": somebody else has just set it going", false);
    }
    return new Going(job.vip(), after);
  }

  /**
   * Sets a job going that has failed here, and that its queue brings again: at the stage at which
   * it stopped. That is no operator's word, so the shop has the last one.
   *
   * @return to be rung for; empty unless all is as the failure has left it: the shop's row, its
   *     course and the buyer
   */
  public Optional<Going> goOn(Job job) {
    return reach(() -> jdbc.query(AS_LEFT, Steering::left, job.taskId())).stream()
        .findFirst()
        .filter(left -> left.isOf(job))
        .filter(left -> reach(() -> jdbc.update(GO_ON, goingOn(job, left))) > 0)
        .map(left -> new Going(left.vip(), left.stage()));
  }

  private static Object[] goingOn(Job job, Left left) {
    return new Object[] {left.stage().label(), null, job.taskId(), left.token(), left.rowUrl()};
  }

  private static Left left(ResultSet row, int n) throws SQLException {
    return new Left(
        row.getString("email"),
        row.getString("course_url"),
        Stage.of(row.getString("stage")),
        row.getLong("token"),
        row.getBoolean("vip"),
        row.getString("row_url"));
  }

  /** The stage after which a work begins. */
  private static Stage before(String from) {
    return switch (from) {
      case "download" -> Stage.ENROLLED;
      case "upload" -> Stage.DOWNLOADED;
      case "webhook", "post-webhook" -> Stage.UPLOADED;
      default ->
          throw new NotPossible(
              "from: expected download, upload or webhook, found '" + from + "'", false);
    };
  }

  private Now now(long taskId) {
    return reach(
            () ->
                jdbc.query(
                    NOW,
                    (row, n) ->
                        new Now(
                            row.getString("state"),
                            row.getString("stage") == null
                                ? null
                                : Stage.of(row.getString("stage")),
                            row.getLong("token"),
                            row.getBoolean("vip")),
                    taskId))
        .stream()
        .findFirst()
        .orElseThrow(() -> new NotPossible("task " + taskId + ": there is no such job", true));
  }
}
