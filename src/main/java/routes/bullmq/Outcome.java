package routes.bullmq;

/**
 * What became of an order about a job. Everything but {@link #DONE} has changed nothing in the
 * queue.
 */
public enum Outcome {
  DONE(0),
  /** There is no such job any more. */
  GONE(-1),
  /** Its lock has run out: whoever looks for stalled jobs will set it free. */
  LOCK_LOST(-2),
  /** It is not, or no longer, under way. */
  NOT_ACTIVE(-3),
  /** It is the parent of a flow, and not all of its children have ended. */
  CHILDREN_UNDER_WAY(-4),
  /** Another worker has it. */
  SOMEBODY_ELSES(-6);

  private final long code;

  Outcome(long code) {
    this.code = code;
  }

  static Outcome of(Object answer) {
    for (Outcome outcome : values()) {
      if (outcome.code == ((Number) answer).longValue()) {
        return outcome;
      }
    }
    throw new IllegalStateException("answer of a script: expected a known code, found " + answer);
  }
}
