package routes.ledger;

/**
 * What became of a job that a producer pushed.
 *
 * @param orderId of the shop's row; null if it has none
 */
public record Entered(Outcome outcome, String orderId) {
  public enum Outcome {
    /** Enrolled already: ring the bell. */
    READY,
    /** Not enrolled yet: a row is all that waits. */
    WAITING,
    /** Under way, or delivered: nothing to do. */
    DUPLICATE
  }
}
