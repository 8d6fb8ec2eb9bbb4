package routes.operator;

import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.exceptions.JedisException;
import routes.Parts;
import routes.ledger.Figures;
import routes.ledger.JobBook;
import routes.queue.RedisKeys;

/** How things are, over HTTP: the whole, the queues, the last hour; and pausing a queue. */
final class HttpMonitoring {
  private static final Logger LOG = LoggerFactory.getLogger(HttpMonitoring.class);
  private static final int MINUTES = 60;

  private final Parts parts;
  private final List<String> inboxes;

  HttpMonitoring(Parts parts) {
    this.parts = parts;
    this.inboxes = RedisKeys.inboxes(parts.settings().queue());
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
    Map<String, Long> lengths = lengths();
    report.put("redis", !lengths.isEmpty());
    report.put("rejected", lengths.get(RedisKeys.REJECTED));
    report.put("queues", inboxes.stream().map(inbox -> queue(inbox, lengths)).toList());
    report.put(
        "healthyQueues", inboxes.stream().filter(inbox -> !parts.holds().isPaused(inbox)).toList());
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

  /** Empty if Redis is away: what the ledger says is worth seeing all the same. */
  private Map<String, Long> lengths() {
    Map<String, Long> lengths = new LinkedHashMap<>();
    try {
      List<String> lists = new ArrayList<>(inboxes);
      lists.add(RedisKeys.REJECTED);
      lists.forEach(list -> lengths.put(list, parts.redis().llen(list)));
      return lengths;
    } catch (JedisException e) {
      LOG.warn("The queues could not be measured: {}", e.getMessage());
      return Map.of();
    }
  }

  /** Minute by minute, the oldest first; what ended within the last sixty seconds comes last. */
  Object series() {
    Figures.Series series = parts.figures().series();
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("at", series.at());
    answer.put("minutes", MINUTES);
    List<Map<String, Object>> queues = new ArrayList<>();
    for (String inbox : inboxes) {
      long[] done = new long[MINUTES];
      long[] dead = new long[MINUTES];
      for (Figures.Minute minute : series.minutes()) {
        if (minute.vip() == isVip(inbox) && minute.minutesAgo() < MINUTES) {
          (minute.dead() ? dead : done)[MINUTES - 1 - minute.minutesAgo()] += minute.jobs();
        }
      }
      Map<String, Object> queue = new LinkedHashMap<>();
      queue.put("queue", inbox);
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
    String inbox = inbox(context);
    return queue(inbox, Map.of(inbox, parts.redis().llen(inbox)));
  }

  private Map<String, Object> queue(String inbox, Map<String, Long> lengths) {
    JobBook.Queue queue = parts.jobs().queue(isVip(inbox));
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("queue", inbox);
    fields.put("paused", parts.holds().isPaused(inbox));
    fields.put("inbox", lengths.get(inbox));
    fields.put("waiting", queue.waiting());
    fields.put("ready", queue.ready());
    fields.put("running", queue.running());
    fields.put("delayed", queue.delayed());
    fields.put("dead", queue.dead());
    fields.put("oldestSeconds", queue.oldestSeconds());
    Map<String, Double> rates = new LinkedHashMap<>();
    rates.put("1", queue.donePerMinute1());
    rates.put("5", queue.donePerMinute5());
    rates.put("60", queue.donePerMinute60());
    fields.put("donePerMinute", rates);
    return fields;
  }

  Object pause(RoutingContext context) {
    String inbox = inbox(context);
    parts.desk().pause(inbox, HttpAnswers.by(context));
    return Map.of("queue", inbox, "paused", true);
  }

  Object resume(RoutingContext context) {
    String inbox = inbox(context);
    parts.desk().resume(inbox, HttpAnswers.by(context));
    return Map.of("queue", inbox, "paused", false);
  }

  private boolean isVip(String inbox) {
    return inbox.equals(parts.settings().queue().vipInbox());
  }

  private String inbox(RoutingContext context) {
    String inbox = context.pathParam("queue");
    if (!inboxes.contains(inbox)) {
      throw new HttpAnswers.Problem(
          404, "queue: expected one of " + inboxes + ", found '" + Reading.clean(inbox) + "'");
    }
    return inbox;
  }
}
