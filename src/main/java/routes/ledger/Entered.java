package routes.ledger;

import routes.job.Job;
import routes.job.Rejected;

/**
 * What became of a job that a producer pushed.
 *
 * @param orderId of the shop's row; null if it has none
 * @param rejected why there is nothing to deliver; null unless that is the outcome
 */
public record Entered(Job job, Outcome outcome, String orderId, Rejected rejected) {
  public enum Outcome {
    /** Enrolled already: ring the bell. */
    READY,
    /** Not enrolled yet: a row is all that waits. */
    WAITING,
    /** Under way: nothing to do. */
    DUPLICATE,
    /** Delivered, as the shop's row says: nothing to do. */
    DELIVERED,
    /** The shop's row says that there is nothing to deliver, or the tables cannot hold it. */
    REJECTED
  }

  static Entered as(Outcome outcome, Job job, ShopRow shop) {
    return new Entered(job, outcome, shop.orderId(), null);
  }

  static Entered rejected(Job job, Rejected why) {
    return new Entered(job, Outcome.REJECTED, null, why);
  }
}
