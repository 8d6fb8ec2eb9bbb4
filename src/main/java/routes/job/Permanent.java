package routes.job;

/** A failure that another try would meet again: the job is dead at once. */
public class Permanent extends Exception {
  public Permanent(String reason) {
    super(reason);
  }

  public Permanent(String reason, Throwable cause) {
    super(reason, cause);
  }
}
