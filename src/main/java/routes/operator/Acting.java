package routes.operator;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import routes.Parts;
import routes.bullmq.NewJob;
import routes.job.Payload;
import routes.job.Rejected;
import routes.ledger.Ledger;

/** The commands that change something. Each change is told with the name of whoever made it. */
final class Acting {
  private Acting() {}

  abstract static class Changing extends Cli.AtTheStores {
    @Override
    boolean changes() {
      return true;
    }
  }

  @Command(
      name = "retry",
      description = {
        "Sets jobs going that have failed or were cancelled, from where they stopped.",
        "Many at once: with --query, which first only says how many it would be."
      })
  static final class Retry extends Changing {
    private static final int MOST = 10_000;

    @Parameters(paramLabel = "TASK", arity = "0..*")
    List<Long> tasks = new ArrayList<>();

    @Option(names = "--from", description = "download, upload or webhook.")
    String from;

    @Option(
        names = {"-q", "--query"},
        paramLabel = "TEXT",
        description = "All dead jobs that match, as in 'jobs'; '' for every one.")
    String query;

    @Option(names = "--yes", description = "Does it.")
    boolean yes;

    @Override
    int with(Parts parts) {
      if (tasks.isEmpty() == (query == null)) {
        throw wrongUsage("retry: expected task ids, or --query");
      }
      if (query == null && tasks.size() == 1) {
        parts.desk().retry(tasks.get(0), from, by());
        out().println("task " + tasks.get(0) + " goes on");
        return Cli.DONE;
      }
      List<Long> chosen = query == null ? tasks : parts.jobs().ids("dead", query, MOST);
      if (query != null && !yes) {
        out().println(chosen.size() + " dead jobs match. To set them going: --yes");
        return Cli.DONE;
      }
      Desk.Retried retried = parts.desk().retry(chosen, from, by());
      if (json) {
        printJson(retried);
      } else {
        out().println(retried.going().size() + " jobs go on");
        retried.refused().forEach(out()::println);
      }
      return retried.refused().isEmpty() ? Cli.DONE : Cli.NOT_POSSIBLE;
    }
  }

  @Command(
      name = "cancel",
      description = "Ends jobs, wherever they run; their files stay as after a failure.")
  static final class Cancel extends Changing {
    @Parameters(paramLabel = "TASK", arity = "1..*")
    List<Long> tasks;

    @Override
    int with(Parts parts) {
      for (long taskId : tasks) {
        parts.desk().cancel(taskId, by());
        out().println("task " + taskId + " is cancelled");
      }
      return Cli.DONE;
    }
  }

  @Command(name = "push", description = "Pushes a job by hand, checked as the workers check it.")
  static final class Push extends Changing {
    @Parameters(index = "0", paramLabel = "TASK")
    long taskId;

    @Parameters(index = "1", paramLabel = "E-MAIL")
    String email;

    @Parameters(index = "2", paramLabel = "COURSE-URL")
    String courseUrl;

    @Option(names = "--vip", description = "To the list of those who go first.")
    boolean vip;

    @Option(names = "--bullmq", description = "To the BullMQ queue, as where there is no other.")
    boolean bullmq;

    @Override
    int with(Parts parts) {
      Map<String, Object> payload = new LinkedHashMap<>();
      payload.put("taskId", taskId);
      payload.put("email", email);
      payload.put("courseUrl", courseUrl);
      String inbox = vip ? parts.settings().queue().vipInbox() : parts.settings().queue().inbox();
      try {
        String text = new ObjectMapper().writeValueAsString(payload);
        JsonNode read = Payload.strictMapper().readTree(text);
        new Payload(parts.settings().queue().allowedHosts()).read(read, text, vip);
        if (bullmq || !parts.settings().bullmq().lists()) {
          String id = parts.bullmqQueue().add("download", text, NewJob.plain());
          out().println("task " + taskId + " is job " + id + " of the BullMQ queue");
          return Cli.DONE;
        }
        parts.redis().lpush(inbox, text);
      } catch (Rejected e) {
        throw wrongUsage(e.getMessage());
      } catch (JsonProcessingException e) {
        throw new IllegalStateException(e);
      }
      out().println("task " + taskId + " is in " + inbox);
      return Cli.DONE;
    }
  }

  /** About one of the queues. */
  abstract static class AboutQueue extends Changing {
    @Parameters(
        index = "0",
        paramLabel = "QUEUE",
        description = "The list that producers push to, or the BullMQ queue.")
    String queue;

    @Override
    int with(Parts parts) {
      List<String> queues = parts.settings().queues();
      parts.holds().refresh();
      // What was paused under other settings can be resumed too.
      if (!queues.contains(queue) && !parts.holds().isPaused(queue)) {
        throw wrongUsage(spec.name() + ": expected one of " + queues + ", found '" + queue + "'");
      }
      steer(parts.desk());
      out().println(queue + ": " + spec.name() + "d");
      return Cli.DONE;
    }

    abstract void steer(Desk desk);
  }

  @Command(
      name = "pause",
      description = "Nothing new of a queue starts, in any process; what runs goes on.")
  static final class Pause extends AboutQueue {
    @Override
    void steer(Desk desk) {
      desk.pause(queue, by());
    }
  }

  @Command(name = "resume", description = "Lets a paused queue go on.")
  static final class Resume extends AboutQueue {
    @Override
    void steer(Desk desk) {
      desk.resume(queue, by());
    }
  }

  @Command(
      name = "recover",
      description =
          "Does at once what workers do every few seconds: frees the jobs of dead"
              + " workers, rings for ready ones, brings back what nobody entered.")
  static final class Recover extends Changing {
    private static final int MOST = 10_000;

    @Override
    int with(Parts parts) {
      int freed = 0;
      for (String silent : parts.workers().expired()) {
        Optional<List<Ledger.Unrung>> jobs = parts.workers().takeOver(silent);
        freed += jobs.map(List::size).orElse(0);
        jobs.ifPresent(parts.bell()::ring);
      }
      freed += parts.workers().freeOrphanedJobs();
      int back = 0;
      for (String gone : parts.workers().gone()) {
        back += parts.claimed().drain(gone);
      }
      List<Ledger.Unrung> ready = parts.ledger().unrung(java.time.Duration.ZERO, true, MOST);
      parts.bell().ring(ready);
      long alive = parts.jobs().workers().stream().filter(worker -> !worker.silent()).count();
      if (json) {
        printJson(
            Map.of("freed", freed, "brought back", back, "rung", ready.size(), "alive", alive));
      } else {
        out().println(freed + " jobs of dead workers are free");
        out().println(back + " messages are back in their inbox");
        out().println(ready.size() + " ready jobs were rung for");
        out().println(alive + " workers are alive");
      }
      return Cli.DONE;
    }
  }
}
