package routes.queue;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Growing pauses while something is away, that a stop cuts short. Not for jobs: those have
 * redelivery policies.
 */
public final class Backoff {
  private static final Duration FIRST = Duration.ofMillis(250);
  private static final Duration LONGEST = Duration.ofSeconds(10);

  private final CountDownLatch stopped = new CountDownLatch(1);

  /**
   * @param failures how many in a row, from 1
   * @return the pause that belongs to it
   */
  public static Duration after(int failures) {
    long millis = FIRST.toMillis() << Math.min(failures - 1, 10);
    return millis > LONGEST.toMillis() ? LONGEST : Duration.ofMillis(millis);
  }

  /**
   * @return false if it was stopped meanwhile
   */
  public boolean pause(Duration duration) {
    try {
      return !stopped.await(duration.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  public void stop() {
    stopped.countDown();
  }
}
