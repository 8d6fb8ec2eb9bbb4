package routes.operator;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import routes.job.Stage;
import routes.ledger.History;
import routes.ledger.JobBook;
import routes.monitoring.Event;

/**
 * Every try of a job's work, the first one first: those that failed are in the history, what went
 * well has its time in the job's row.
 */
final class Tries {
  /** The steps that have an end in the job's row, in order: route, and the name of its time. */
  private static final Map<String, String> ENDS = new LinkedHashMap<>();

  static {
    ENDS.put(Stage.DOWNLOADED.work(), "downloaded");
    ENDS.put(Stage.UPLOADED.work(), "uploaded");
    ENDS.put(Stage.NOTIFIED.work(), "notified");
  }

  /**
   * One try.
   *
   * @param stage name of its route
   * @param startedAt of what went well or runs: when it can have begun, after the claim, the step
   *     before and the last failure
   * @param endedAt null while it runs
   * @param outcome failed, done or running
   * @param exitCode of the program that ended badly; null if none did
   * @param worker null where nobody has written down who it was
   */
  record Try(
      String stage,
      Instant startedAt,
      Instant endedAt,
      Long ms,
      String outcome,
      Integer exitCode,
      String reason,
      String worker) {}

  private Tries() {}

  /**
   * @param history of the job, in any order
   */
  static List<Try> of(JobBook.Entry job, List<History.Entry> history) {
    List<Try> tries = new ArrayList<>();
    for (History.Entry entry : history) {
      if (isFailedTry(entry)) {
        long ms = entry.ms() == null ? 0 : entry.ms();
        tries.add(
            new Try(
                entry.stage(),
                entry.at().minusMillis(ms),
                entry.at(),
                ms,
                "failed",
                entry.exitCode(),
                entry.detail(),
                entry.worker()));
      }
    }
    Instant received = job.times().getOrDefault("received", Instant.EPOCH);
    for (Map.Entry<String, String> step : ENDS.entrySet()) {
      Instant end = job.times().get(step.getValue());
      // What is older belongs to an earlier delivery of the same task.
      if (end != null && !end.isBefore(received)) {
        Instant start = start(job, history, step.getKey(), end);
        long ms = Duration.between(start, end).toMillis();
        tries.add(new Try(step.getKey(), start, end, ms, "done", null, null, null));
      }
    }
    if (job.state().equals("running") && job.stage() != null) {
      Stage.of(job.stage()).remainingWork().stream()
          .findFirst()
          .ifPresent(work -> addRunning(tries, job, history, work));
    }
    tries.sort(Comparator.comparing(Try::startedAt));
    return tries;
  }

  private static void addRunning(
      List<Try> tries, JobBook.Entry job, List<History.Entry> history, String work) {
    Instant start = start(job, history, work, Instant.MAX);
    boolean pauses =
        history.stream()
            .anyMatch(
                entry ->
                    isFailedTry(entry)
                        && work.equals(entry.stage())
                        && !entry.at().isBefore(start));
    if (!pauses) {
      tries.add(new Try(work, start, null, null, "running", null, null, job.worker()));
    }
  }

  private static boolean isFailedTry(History.Entry entry) {
    return Stream.of(Event.DOWNLOAD_ERROR, Event.UPLOAD_ERROR, Event.WEBHOOK_ERROR)
        .anyMatch(event -> event.name().equals(entry.event()));
  }

  /** The latest of what comes before a try. */
  private static Instant start(
      JobBook.Entry job, List<History.Entry> history, String work, Instant end) {
    Stream<Instant> steps =
        Stream.of("enrolled", "claimed", "downloaded", "uploaded").map(job.times()::get);
    Stream<Instant> again =
        history.stream()
            .filter(entry -> work.equals(entry.stage()))
            .filter(entry -> entry.event().equals(Event.RETRY.name()))
            .map(History.Entry::at);
    return Stream.concat(steps, again)
        .filter(Objects::nonNull)
        .filter(at -> at.isBefore(end))
        .max(Comparator.naturalOrder())
        .orElse(end);
  }
}
