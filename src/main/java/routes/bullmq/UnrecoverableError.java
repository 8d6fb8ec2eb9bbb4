package routes.bullmq;

/**
 * Thrown by a route: the job has failed for good, whatever attempts it has left. As its namesake in
 * BullMQ.
 */
public class UnrecoverableError extends RuntimeException {
  public UnrecoverableError(String message) {
    super(message);
  }

  public UnrecoverableError(String message, Throwable cause) {
    super(message, cause);
  }
}
