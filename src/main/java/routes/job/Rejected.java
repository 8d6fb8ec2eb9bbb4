package routes.job;

import java.util.OptionalLong;

/** A payload that cannot be a job. It goes to the rejected list and is never tried again. */
public class Rejected extends Exception {
  private final transient OptionalLong taskId;
  private final boolean markFailed;

  private Rejected(String reason, OptionalLong taskId, boolean markFailed) {
    super(reason, null, false, false);
    this.taskId = taskId;
    this.markFailed = markFailed;
  }

  /** Its taskId could not be read, so no row can be told. */
  public static Rejected unreadable(String reason) {
    return new Rejected(reason, OptionalLong.empty(), false);
  }

  /** The shop's row of this task becomes {@code failed}. */
  public static Rejected failing(long taskId, String reason) {
    return new Rejected(reason, OptionalLong.of(taskId), true);
  }

  /** The shop's row, if there is one, says already what it should say. */
  public static Rejected leavingTheRow(long taskId, String reason) {
    return new Rejected(reason, OptionalLong.of(taskId), false);
  }

  public OptionalLong taskId() {
    return taskId;
  }

  public boolean markFailed() {
    return markFailed;
  }
}
