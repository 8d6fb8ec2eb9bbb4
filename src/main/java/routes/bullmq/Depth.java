package routes.bullmq;

import java.util.Map;

/**
 * How a queue is.
 *
 * @param jobs in each state; {@code waiting} holds those of a paused queue too. Empty if the queue
 *     is refused
 * @param paused whether it is paused for all its workers, by BullMQ's own pause
 * @param refused why nothing is taken of it; null if it is as it should be
 */
public record Depth(Map<String, Long> jobs, boolean paused, String refused) {
  /** How many nobody has taken yet, and anybody may. */
  public long waiting() {
    return of("waiting") + of("prioritized");
  }

  /** How many are in this state; 0 if that is not known. */
  public long of(String state) {
    return jobs.getOrDefault(state, 0L);
  }
}
