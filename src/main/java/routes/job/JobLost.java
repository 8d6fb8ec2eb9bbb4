package routes.job;

/**
 * The ledger says that the job is no longer this worker's: everything about it is dropped, nothing
 * is written.
 */
public class JobLost extends RuntimeException {
  public JobLost(long taskId, long token) {
    super("Task " + taskId + " is no longer held under token " + token, null, false, false);
  }
}
