package bench;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** Looks until something is so. */
final class Wait {
  private static final Duration LONGEST = Duration.ofMinutes(2);

  private Wait() {}

  static void until(Callable<Boolean> condition, String what) throws Exception {
    long deadline = System.nanoTime() + LONGEST.toNanos();
    while (!condition.call()) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("waited too long for: " + what);
      }
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }
}
