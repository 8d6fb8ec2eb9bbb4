package routes.operator;

import java.io.IOException;
import java.io.Reader;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import routes.Parts;
import routes.command.TaskLog;
import routes.job.Sandbox;
import routes.ledger.History;
import routes.ledger.Holds;
import routes.ledger.JobBook;
import routes.monitoring.Visible;
import routes.settings.Settings;

/** The commands that look and change nothing. */
final class Reading {
  /** What of a task's history is shown; older lines are in the lifecycle log. */
  private static final int HISTORY = 200;

  private Reading() {}

  /**
   * What comes of a job next, for a person.
   *
   * @param poll how often waiting tasks are looked at
   */
  static String next(JobBook.Entry job, List<Holds.Hold> holds, Duration poll) {
    return switch (job.state()) {
      case "waiting" ->
          "waits for the shop's row to say 'enrolled': looked at every "
              + poll.toMillis()
              + " ms, until "
              + job.waitUntil();
      case "ready" -> {
        if (job.hold() != null) {
          yield "waits for " + job.hold() + why(job.hold(), holds);
        }
        boolean later = job.nextAt() != null && job.nextAt().isAfter(Instant.now());
        yield "goes on" + (later ? " at " + job.nextAt() : " as soon as a slot is free");
      }
      case "running" -> "runs";
      case "dead", "cancelled" ->
          job.stage() == null
              ? "nothing, until its row says 'enrolled' and it is pushed once more"
              : "nothing, until: waybill retry " + job.taskId();
      default -> "nothing: it is delivered";
    };
  }

  private static String why(String name, List<Holds.Hold> holds) {
    return holds.stream()
        .filter(hold -> hold.name().equals(name))
        .map(hold -> " (" + hold.reason() + ")")
        .findFirst()
        .orElse("");
  }

  private static String orDash(Object value) {
    return value == null ? "-" : value.toString();
  }

  /** What comes from outside may hold anything: one line of it, nothing that moves a cursor. */
  static String clean(String text) {
    return text.codePoints()
        .map(c -> Visible.isHidden(c) ? '?' : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  private static String shortened(Object value, int length) {
    String text = clean(orDash(value));
    return text.length() <= length ? text : text.substring(0, length - 1) + "…";
  }

  private static String minutes(Instant time) {
    return time == null ? "-" : time.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  /** A list of jobs, a page at a time. */
  abstract static class Listing extends Cli.AtTheStores {
    @Option(
        names = {"-q", "--query"},
        defaultValue = "",
        paramLabel = "TEXT",
        description =
            "Task id, order id, or a part of the e-mail address, folder or course's address.")
    String query;

    @Option(names = "--page", defaultValue = "1", paramLabel = "N", description = "From 1.")
    int page;

    @Option(names = "--size", defaultValue = "50", paramLabel = "N", description = "Jobs a page.")
    int size;

    abstract String state();

    @Override
    int with(Parts parts) {
      if (!state().isEmpty() && !JobBook.STATES.contains(state())) {
        throw wrongUsage(
            "--state: expected one of " + JobBook.STATES + ", found '" + state() + "'");
      }
      if (page < 1 || size < 1 || size > 1000) {
        throw wrongUsage("--page and --size: expected 1 or more, and a size of at most 1000");
      }
      List<JobBook.Entry> jobs = parts.jobs().list(state(), query, size, (page - 1) * size);
      if (json) {
        printJson(jobs);
        return Cli.DONE;
      }
      String row = "%-10s %-9s %-10s %-28s %-22s %s";
      out().println(row.formatted("TASK", "STATE", "AFTER", "E-MAIL", "CHANGED", "WHY"));
      for (JobBook.Entry job : jobs) {
        String why = job.lastError() == null ? orDash(job.hold()) : job.lastError();
        out()
            .println(
                row.formatted(
                    job.taskId(),
                    job.state(),
                    orDash(job.stage()),
                    shortened(job.email(), 28),
                    minutes(job.updatedAt()),
                    shortened(why, 80)));
      }
      if (jobs.size() == size) {
        out().println("More: --page " + (page + 1));
      }
      return Cli.DONE;
    }
  }

  @Command(name = "jobs", description = "Lists jobs, the newest first.")
  static final class Jobs extends Listing {
    @Option(
        names = "--state",
        defaultValue = "",
        description = "waiting, ready, running, done, dead or cancelled.")
    String state;

    @Override
    String state() {
      return state;
    }
  }

  @Command(name = "dead", description = "Lists the jobs that have failed for good.")
  static final class Dead extends Listing {
    @Override
    String state() {
      return "dead";
    }
  }

  @Command(name = "show", description = "Tells all about one job, and what comes next.")
  static final class Show extends Cli.AtTheStores {
    @Parameters(index = "0", paramLabel = "TASK")
    long taskId;

    @Override
    int with(Parts parts) {
      JobBook.Entry job = parts.jobs().find(taskId).orElse(null);
      if (job == null) {
        spec.commandLine().getErr().println("waybill: task " + taskId + ": there is no such job");
        return Cli.NOT_POSSIBLE;
      }
      parts.holds().refresh();
      Settings settings = parts.settings();
      String next = next(job, parts.holds().all(), settings.enrolment().poll());
      List<History.Entry> history = parts.history().of(taskId, HISTORY);
      Path log = TaskLog.fileOf(settings.logs().directory(), taskId).toAbsolutePath();
      Path sandbox = Sandbox.of(settings.download().staging(), taskId).path();
      if (json) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("job", job);
        all.put("next", next);
        all.put("log", log.toString());
        all.put("sandbox", sandbox.toString());
        all.put("history", history);
        printJson(all);
        return Cli.DONE;
      }
      line("task", taskId + (job.vip() ? ", goes first" : ""));
      line("order", job.orderId());
      line("e-mail", job.email());
      line("course", job.courseUrl());
      line("state", job.state() + (job.stage() == null ? "" : ", after " + job.stage()));
      line("next", next);
      line("error", job.lastError());
      line("failed tries", job.attempts() == 0 ? null : job.attempts());
      line("workers that died", job.crashes() == 0 ? null : job.crashes());
      line("shop's row", job.status());
      line("worker", job.worker());
      line("host", job.host());
      line("folder", job.folder());
      job.times().forEach((step, at) -> line(step, at));
      line("log", Files.exists(log) ? log : log + " (not on this host)");
      line("sandbox", Files.exists(sandbox) ? sandbox : null);
      if (!history.isEmpty()) {
        out().println("history, the newest first:");
        history.forEach(
            entry ->
                out()
                    .println(
                        "  %s %-14s %-13s %s"
                            .formatted(
                                entry.at(),
                                entry.event(),
                                orDash(entry.stage()),
                                clean(orDash(entry.detail())))));
      }
      return Cli.DONE;
    }

    private void line(String name, Object value) {
      if (value != null) {
        out().println("%-18s %s".formatted(name, clean(value.toString())));
      }
    }
  }

  @Command(name = "logs", description = "Prints what a job's programs have printed, on this host.")
  static final class Logs extends Cli.Base {
    private static final long LOOK_MILLIS = 250;

    @Parameters(index = "0", paramLabel = "TASK")
    long taskId;

    @Option(
        names = {"-f", "--follow"},
        description = "Goes on with what comes, until it is interrupted.")
    boolean follow;

    @Option(
        names = "--bytes",
        defaultValue = "65536",
        paramLabel = "N",
        description = "How much of the end.")
    long bytes;

    @Override
    public Integer call() throws Exception {
      Path log = TaskLog.fileOf(cli().settings().logs().directory(), taskId);
      if (!Files.exists(log)) {
        spec.commandLine().getErr().println("waybill: " + log + ": there is no such log here");
        return Cli.NOT_POSSIBLE;
      }
      try (FileChannel file = FileChannel.open(log)) {
        Reader text = readEnd(file);
        char[] buffer = new char[8192];
        while (true) {
          int read = text.read(buffer);
          if (read > 0) {
            print(new String(buffer, 0, read));
          } else if (!follow) {
            return Cli.DONE;
          } else if (file.size() < file.position()) {
            // The middle was left out meanwhile: what comes is at another place.
            print("\n" + TaskLog.SHORTENED + "\n");
            text = readEnd(file);
          } else {
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
          }
        }
      }
    }

    private Reader readEnd(FileChannel file) throws IOException {
      file.position(Math.max(0, file.size() - bytes));
      return Channels.newReader(file, StandardCharsets.UTF_8);
    }

    /** Programs redraw their line with CR; what else moves a cursor is shown as a question mark. */
    private void print(String text) {
      for (String line : text.replace('\r', '\n').split("(?<=\n)")) {
        boolean whole = line.endsWith("\n");
        out().print(clean(whole ? line.substring(0, line.length() - 1) : line));
        if (whole) {
          out().println();
        }
      }
      out().flush();
    }
  }

  @Command(
      name = "status",
      description = "Counts jobs, and names queues, workers and what is held back.")
  static final class Status extends Cli.AtTheStores {
    @Override
    int with(Parts parts) {
      parts.holds().refresh();
      Map<String, Long> counts = parts.jobs().counts();
      Long oldest = parts.jobs().oldestSeconds().orElse(null);
      List<JobBook.AliveWorker> workers = parts.jobs().workers();
      Queues queues = new Queues(parts);
      Optional<Queues.Seen> seen = queues.lookIfThere();
      if (json) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("jobs", counts);
        all.put("oldestSeconds", oldest);
        all.put("redis", seen.isPresent());
        all.put("queues", queues.rows(seen));
        all.put("workers", workers);
        all.put("held", parts.holds().all());
        all.put("alerts", parts.alertBook().all());
        printJson(all);
        return Cli.DONE;
      }
      counts.forEach((state, number) -> out().println("%-10s %d".formatted(state, number)));
      if (oldest != null) {
        out().println("%-10s %d s since it was received".formatted("oldest", oldest));
      }
      seen.ifPresentOrElse(
          all ->
              queues
                  .names()
                  .forEach(queue -> out().println("queue      " + queues.line(queue, all))),
          () -> out().println("queue      Redis cannot be reached"));
      if (workers.isEmpty()) {
        out().println("no worker is alive");
      }
      workers.forEach(
          worker ->
              out()
                  .println(
                      "worker     %s on %s, %d jobs%s"
                          .formatted(
                              worker.id(),
                              worker.host(),
                              worker.jobs(),
                              worker.silent() ? ", silent since " + worker.seenAt() : "")));
      parts
          .alertBook()
          .all()
          .forEach(
              alert ->
                  out()
                      .println(
                          "alert      %s: %s, for %d s"
                              .formatted(alert.name(), clean(alert.detail()), alert.seconds())));
      parts
          .holds()
          .all()
          .forEach(
              hold ->
                  out()
                      .println(
                          "held       %s: %s%s"
                              .formatted(
                                  hold.name(),
                                  clean(hold.reason()),
                                  hold.leftSeconds() == null
                                      ? ""
                                      : ", " + hold.leftSeconds() + " s")));
      return Cli.DONE;
    }
  }
}
