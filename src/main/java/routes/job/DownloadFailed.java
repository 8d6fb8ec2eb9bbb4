package routes.job;

/**
 * The downloader did not leave what it should have: it ended badly, took too long, or left the
 * wrong things.
 */
public class DownloadFailed extends Transient {
  public DownloadFailed(String reason) {
    super(reason);
  }

  public DownloadFailed(String reason, Throwable cause) {
    super(reason, cause);
  }
}
