package torture;

import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Is the checker worth anything? Each guard is taken away in turn, and faults come that it guards
 * against: the checker must find something. With all guards in place, the same faults must leave it
 * content.
 */
final class SelfTest {
  private static final Duration LENGTH = Duration.ofSeconds(25);
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int JOBS = 60;
  private static final int FAULTS = 8;
  private static final long SEED = 5;

  /**
   * @param guard as {@link torture.agent.Agent} knows it
   * @param faults what it guards against
   * @param sign part of what the checker has to say
   * @param beside whether it takes another worker on the BullMQ queue to see it
   */
  private record Guard(String guard, Fault.Kind faults, String sign, boolean beside) {
    Guard(String guard, Fault.Kind faults, String sign) {
      this(guard, faults, sign, false);
    }
  }

  private static final List<Guard> GUARDS =
      List.of(
          new Guard("fence", Fault.Kind.FREEZE_WORKER, "wrote with an old token"),
          new Guard("takeover", Fault.Kind.KILL_WORKER, "not over"),
          new Guard("manifest", Fault.Kind.KILL_CHILD, "its webhook came before its files"),
          new Guard("idempotency", Fault.Kind.CUT_WEBHOOK, "its webhooks carry different ids"),
          new Guard("orphans", Fault.Kind.KILL_WORKER, "two programs at once"),
          new Guard("locks", Fault.Kind.KILL_WORKER, "its webhooks carry different ids", true));

  private final Path directory;
  private final String source;
  private final PrintStream out;

  /**
   * @param source of the jobs: list, bullmq or both
   */
  SelfTest(Path directory, String source, PrintStream out) {
    this.directory = directory;
    this.source = source;
    this.out = out;
  }

  /**
   * @param only part of the names of the guards to be taken away; blank for all
   * @return whether the checker went red for each guard, and stayed green with all of them
   */
  boolean run(String only) throws Exception {
    boolean well = true;
    for (Guard guard : guards(only)) {
      out.printf("%n== without the guard: %s%n", guard.guard());
      List<String> found =
          run(
              guard,
              AgentJar.option(directory, "sabotage=" + guard.guard()),
              directory.resolve("without-" + guard.guard()));
      boolean red = found.stream().anyMatch(violation -> violation.contains(guard.sign()));
      out.println(red ? "-> red, as it must be" : "-> NOT FOUND: " + guard.sign());
      out.printf("%n== with it%n");
      boolean green = run(guard, "", directory.resolve("with-" + guard.guard())).isEmpty();
      out.println(green ? "-> green, as it must be" : "-> NOT GREEN");
      well &= red && green;
    }
    out.println(well ? "\nThe checker notices each." : "\nThe checker is not to be trusted.");
    return well;
  }

  private List<Guard> guards(String only) {
    return GUARDS.stream()
        .filter(guard -> guard.guard().contains(only))
        .filter(guard -> !guard.beside() || source.contains("bullmq"))
        .toList();
  }

  private List<String> run(Guard guard, String javaOptions, Path where) throws Exception {
    return new Run(
            JOBS,
            SEED,
            LENGTH,
            PATIENCE,
            Fault.only(guard.faults(), SEED, FAULTS),
            javaOptions,
            source,
            guard.beside(),
            where,
            out)
        .run();
  }
}
