package routes.job;

/** What was downloaded is neither on this host nor at the remote: the job begins anew here. */
public class FilesElsewhere extends RuntimeException {
  public FilesElsewhere(String what) {
    super(what, null, false, false);
  }
}
