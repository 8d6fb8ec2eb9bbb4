package torture;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * One thing that goes wrong.
 *
 * @param at share of the run's length, 0 to 1
 * @param which a number to choose a victim by
 */
record Fault(Kind kind, double at, int which) {
  /** With how often each happens beside 45 kills of a worker. */
  enum Kind {
    KILL_WORKER(45),
    FREEZE_WORKER(10),
    STOP_WORKER(10),
    KILL_REDIS(6),
    KILL_DATABASE(6),
    CUT_REDIS(6),
    CUT_DATABASE(6),
    CUT_WEBHOOK(3),
    CUT_REMOTE(3),
    KILL_CHILD(5);

    private final int weight;

    Kind(int weight) {
      this.weight = weight;
    }
  }

  /** How many faults there are when workers are killed so often. */
  static int number(int kills) {
    return kills * 100 / Kind.KILL_WORKER.weight;
  }

  /** The same seed gives the same schedule. */
  static List<Fault> schedule(long seed, int kills) {
    Random random = new Random(seed);
    List<Fault> faults = new ArrayList<>();
    for (int i = 0; i < number(kills); i++) {
      Kind kind = i < kills ? Kind.KILL_WORKER : other(random);
      faults.add(new Fault(kind, random.nextDouble(), random.nextInt(1000)));
    }
    faults.sort(Comparator.comparingDouble(Fault::at));
    return faults;
  }

  /** Many of one kind and nothing else, evenly. */
  static List<Fault> only(Kind kind, long seed, int number) {
    Random random = new Random(seed);
    List<Fault> faults = new ArrayList<>();
    for (int i = 0; i < number; i++) {
      faults.add(new Fault(kind, (i + 0.5) / number, random.nextInt(1000)));
    }
    return faults;
  }

  private static Kind other(Random random) {
    int left = random.nextInt(100 - Kind.KILL_WORKER.weight);
    for (Kind kind : Kind.values()) {
      if (kind == Kind.KILL_WORKER) {
        continue;
      }
      left -= kind.weight;
      if (left < 0) {
        return kind;
      }
    }
    throw new IllegalStateException("the weights do not add up to 100");
  }
}
