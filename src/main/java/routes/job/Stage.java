package routes.job;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The last step of a job that is finished, in the order of the pipeline. Going on means beginning
 * after it.
 *
 * <p>The work that leads to a stage has the name of its route: see {@link #work()}.
 */
public enum Stage {
  ENROLLED("await-enrolment"),
  DOWNLOADED("download"),
  UPLOADED("upload"),
  NOTIFIED("post-webhook"),
  CLEANED("clean-up");

  private final String work;

  Stage(String work) {
    this.work = work;
  }

  /** Name of the route that reaches this stage. */
  public String work() {
    return work;
  }

  /**
   * Where a job stands that has this work before it.
   *
   * @param work name of a route that leads to a stage
   */
  public static Stage before(String work) {
    return Arrays.stream(values())
        .filter(
            stage -> stage.remainingWork().stream().findFirst().filter(work::equals).isPresent())
        .findFirst()
        .orElseThrow();
  }

  /** As the ledger writes it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The routes still to be gone through after this stage, in order. */
  public List<String> remainingWork() {
    return Arrays.stream(values())
        .filter(stage -> stage.compareTo(this) > 0)
        .map(Stage::work)
        .toList();
  }

  public boolean isAtLeast(Stage other) {
    return compareTo(other) >= 0;
  }

  public static Stage of(String label) {
    return valueOf(label.toUpperCase(Locale.ROOT));
  }
}
