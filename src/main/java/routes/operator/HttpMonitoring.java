package routes.operator;

import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import routes.Parts;
import routes.ledger.Figures;
import routes.ledger.JobBook;

/** How things are, over HTTP: the whole, the queues, the last hour; and pausing a queue. */
final class HttpMonitoring {
  private static final int MINUTES = 60;

  private final Parts parts;
  private final Queues queues;

  HttpMonitoring(Parts parts) {
    this.parts = parts;
    this.queues = new Queues(parts);
  }

  /** The last hour, of all processes, and how things are now. */
  Object report() {
    JobBook.Ended ended = parts.jobs().ended();
    long all = ended.done() + ended.dead();
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("minutes", MINUTES);
    report.put("processed", ended.done());
    report.put("failed", ended.dead());
    report.put("failureRate", all == 0 ? 0 : (double) ended.dead() / all);
    report.put("jobsPerMinute", ended.done() / (double) MINUTES);
    report.put("steps", steps(ended));
    report.put("jobs", parts.jobs().counts());
    report.put("running", parts.figures().runningByWork());
    report.put("oldestSeconds", parts.jobs().oldestSeconds().orElse(null));
    Optional<Queues.Seen> seen = queues.lookIfThere();
    report.put("redis", seen.isPresent());
    report.put("rejected", seen.map(Queues.Seen::rejected).orElse(null));
    report.put("queues", queues.rows(seen));
    report.put("healthyQueues", queues.names().stream().filter(this::isOpen).toList());
    List<JobBook.AliveWorker> workers = parts.jobs().workers();
    report.put("workersAlive", workers.stream().filter(worker -> !worker.silent()).count());
    report.put("workers", workers);
    report.put("held", parts.holds().all());
    report.put("alerts", parts.alertBook().all());
    return report;
  }

  private static Map<String, Object> steps(JobBook.Ended ended) {
    Map<String, Object> steps = new LinkedHashMap<>();
    ended
        .millis()
        .forEach(
            (step, millis) -> {
              if (!millis.isEmpty()) {
                steps.put(
                    step,
                    Map.of(
                        "averageMs",
                        millis.stream().mapToLong(Long::longValue).sum() / millis.size(),
                        "p95Ms",
                        millis.get((int) Math.ceil(millis.size() * 0.95) - 1)));
              }
            });
    return steps;
  }

  private boolean isOpen(String queue) {
    return !parts.holds().isPaused(queue);
  }

  /** Minute by minute, the oldest first; what ended within the last sixty seconds comes last. */
  Object series() {
    Figures.Series series = parts.figures().series();
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("at", series.at());
    answer.put("minutes", MINUTES);
    List<Map<String, Object>> queues = new ArrayList<>();
    for (boolean vip : new boolean[] {true, false}) {
      long[] done = new long[MINUTES];
      long[] dead = new long[MINUTES];
      for (Figures.Minute minute : series.minutes()) {
        if (minute.vip() == vip && minute.minutesAgo() < MINUTES) {
          (minute.dead() ? dead : done)[MINUTES - 1 - minute.minutesAgo()] += minute.jobs();
        }
      }
      Map<String, Object> queue = new LinkedHashMap<>();
      queue.put("queue", parts.settings().queueOf(vip));
      queue.put("done", done);
      queue.put("dead", dead);
      queues.add(queue);
    }
    answer.put("queues", queues);
    answer.put("averageMs", averages(series.minutes()));
    return answer;
  }

  /** Over both queues, each by the number of its jobs; null where no job made the step. */
  private static Map<String, Long[]> averages(List<Figures.Minute> minutes) {
    Map<String, long[]> sums = new LinkedHashMap<>();
    Map<String, long[]> jobs = new LinkedHashMap<>();
    for (Figures.Minute minute : minutes) {
      int at = MINUTES - 1 - minute.minutesAgo();
      minute
          .averageMs()
          .forEach(
              (step, average) -> {
                if (at >= 0) {
                  sums.computeIfAbsent(step, s -> new long[MINUTES])[at] += average * minute.jobs();
                  jobs.computeIfAbsent(step, s -> new long[MINUTES])[at] += minute.jobs();
                }
              });
    }
    Map<String, Long[]> averages = new LinkedHashMap<>();
    for (String step : JobBook.STEPS) {
      Long[] average = new Long[MINUTES];
      for (int at = 0; at < MINUTES && sums.containsKey(step); at++) {
        long number = jobs.get(step)[at];
        average[at] = number == 0 ? null : sums.get(step)[at] / number;
      }
      averages.put(step, average);
    }
    return averages;
  }

  Object queue(RoutingContext context) {
    return queues.row(name(context), Optional.of(queues.look()));
  }

  Object pause(RoutingContext context) {
    String queue = name(context);
    parts.desk().pause(queue, HttpAnswers.by(context));
    return Map.of("queue", queue, "paused", true);
  }

  Object resume(RoutingContext context) {
    String queue = name(context);
    parts.desk().resume(queue, HttpAnswers.by(context));
    return Map.of("queue", queue, "paused", false);
  }

  private String name(RoutingContext context) {
    String queue = context.pathParam("queue");
    if (!queues.names().contains(queue)) {
      throw new HttpAnswers.Problem(
          404,
          "queue: expected one of " + queues.names() + ", found '" + Reading.clean(queue) + "'");
    }
    return queue;
  }
}
