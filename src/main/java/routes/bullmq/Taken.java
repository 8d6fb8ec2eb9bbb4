package routes.bullmq;

import java.time.Duration;
import java.util.List;

/**
 * What a look at a queue has brought.
 *
 * @param limited for how long the queue's rate limit lets nobody take any more; zero if it does not
 * @param nextDue when the next delayed job is due, in ms since the epoch; 0 if there is none
 * @param closed whether the queue is paused, or has as many active jobs as it may
 */
public record Taken(List<BullJob> jobs, Duration limited, long nextDue, boolean closed) {}
