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
  enum Kind {
    KILL_WORKER(45),
    FREEZE_WORKER(10),
    STOP_WORKER(10),
    KILL_REDIS(6),
    KILL_DATABASE(6),
    CUT_REDIS(6),
    CUT_DATABASE(6),
    CUT_WEBHOOK(3),
    KILL_CHILD(8);

    private final int weight;

    Kind(int weight) {
      this.weight = weight;
    }
  }

  /** The same seed gives the same schedule. */
  static List<Fault> schedule(long seed, int number) {
    Random random = new Random(seed);
    int total = 0;
    for (Kind kind : Kind.values()) {
      total += kind.weight;
    }
    List<Fault> faults = new ArrayList<>();
    for (int i = 0; i < number; i++) {
      int left = random.nextInt(total);
      Kind chosen = null;
      for (Kind kind : Kind.values()) {
        left -= kind.weight;
        if (left < 0) {
          chosen = kind;
          break;
        }
      }
      faults.add(new Fault(chosen, random.nextDouble(), random.nextInt(1000)));
    }
    faults.sort(Comparator.comparingDouble(Fault::at));
    return faults;
  }
}
