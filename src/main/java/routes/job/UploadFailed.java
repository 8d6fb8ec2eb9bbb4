package routes.job;

import java.time.Duration;

/** rclone could not finish, or the remote does not yet hold every file of the manifest. */
public class UploadFailed extends Transient {
  public UploadFailed(String reason) {
    super(reason);
  }

  /**
   * @param notBefore how long the remote wants to be left alone; null if it has not said
   */
  public UploadFailed(String reason, Throwable cause, Duration notBefore) {
    super(reason, cause, notBefore);
  }
}
