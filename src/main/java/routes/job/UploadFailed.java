package routes.job;

/** rclone could not finish, or the remote does not yet hold every file of the manifest. */
public class UploadFailed extends Transient {
  public UploadFailed(String reason) {
    super(reason);
  }
}
