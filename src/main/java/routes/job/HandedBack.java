package routes.job;

/**
 * The process is stopping: the job goes back as it is and another worker goes on. Not a failure, no
 * try used.
 */
public class HandedBack extends RuntimeException {
  public HandedBack() {
    super("The worker is stopping", null, false, false);
  }
}
