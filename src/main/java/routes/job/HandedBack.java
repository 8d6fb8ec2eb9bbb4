package routes.job;

/**
 * The process is stopping, or no longer alive for the others: the job goes back as it is and
 * another worker goes on. Not a failure, no try used.
 */
public class HandedBack extends RuntimeException {
  public HandedBack() {
    super("Another worker goes on", null, false, false);
  }
}
