package torture;

import java.util.Random;

/** How a task's download goes: the last part of its course's address. */
enum Conduct {
  OK(58, 1),
  SLOW(10, 1),
  FORKS(7, 1),
  FAILS_ONCE(9, 2),
  HALF_ONCE(9, 2),
  HANGS_ONCE(3, 2),
  FAILS_ALWAYS(4, 0);

  private final int weight;
  private final int starts;

  Conduct(int weight, int starts) {
    this.weight = weight;
    this.starts = starts;
  }

  static Conduct choose(Random random) {
    int left = random.nextInt(100);
    for (Conduct conduct : values()) {
      left -= conduct.weight;
      if (left < 0) {
        return conduct;
      }
    }
    throw new IllegalStateException("the weights do not add up to 100");
  }

  String path() {
    return name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
  }

  Checker.End end() {
    return this == FAILS_ALWAYS ? Checker.End.FAILED : Checker.End.DELIVERED;
  }

  /** Starts of the downloader when nothing else goes wrong; 0 if all its tries are used up. */
  int starts() {
    return starts;
  }
}
