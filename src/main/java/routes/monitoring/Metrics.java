package routes.monitoring;

import com.zaxxer.hikari.HikariDataSource;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;
import org.apache.hc.core5.pool.ConnPoolControl;
import redis.clients.jedis.RedisClient;
import routes.ledger.Census;
import routes.ledger.Holds;
import routes.queue.Deliveries;

/**
 * Numbers for Prometheus, at {@code /observe/metrics}. What they mean: docs/metrics.md. No task, no
 * buyer and no course is ever a label. Gauges read what {@link Watch} has seen: a scrape asks no
 * store.
 */
public final class Metrics implements Events.Observer {
  private static final String NONE = "none";

  private static final Map<Event, String> OUTCOMES =
      Map.of(
          Event.CLEANUP, "completed",
          Event.DEAD, "dead",
          Event.REJECTED, "rejected",
          Event.DUPLICATE, "duplicate",
          Event.CANCELLED, "cancelled",
          Event.RECOVERED, "recovered");

  private static final Map<Event, String> TRIES =
      Map.of(
          Event.DOWNLOAD_SUCCESS, "success",
          Event.UPLOAD_SUCCESS, "success",
          Event.WEBHOOK_SUCCESS, "success",
          Event.CLEANUP, "success",
          Event.DOWNLOAD_ERROR, "error",
          Event.UPLOAD_ERROR, "error",
          Event.WEBHOOK_ERROR, "error");

  /** From what costs Waybill itself to what a large course takes. */
  private static final Duration[] BUCKETS = {
    Duration.ofMillis(5),
    Duration.ofMillis(25),
    Duration.ofMillis(100),
    Duration.ofMillis(500),
    Duration.ofSeconds(2),
    Duration.ofSeconds(10),
    Duration.ofSeconds(30),
    Duration.ofMinutes(2),
    Duration.ofMinutes(10),
    Duration.ofMinutes(30),
    Duration.ofHours(2)
  };

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Map<String, Timer> timers = new LinkedHashMap<>();

  /**
   * @param stages routes of the stages: each has its series from the start, so that a rate over
   *     them sees the first failure too
   */
  public Metrics(List<String> stages) {
    for (String stage : stages) {
      for (String outcome : List.of("success", "error")) {
        timers.put(
            stage + outcome,
            Timer.builder("waybill.stage")
                .description("One observation a try: how long it took")
                .tags("stage", stage, "outcome", outcome)
                .serviceLevelObjectives(BUCKETS)
                .register(registry));
      }
      retries(stage);
      jobs("dead", stage);
    }
    OUTCOMES.values().forEach(outcome -> jobs(outcome, NONE));
  }

  /** For Camel, which adds its own. */
  public PrometheusMeterRegistry registry() {
    return registry;
  }

  @Override
  public void see(Event event, Map<String, Object> fields) {
    String stage = (String) fields.get("stage");
    Long millis = (Long) fields.get("ms");
    String outcome = OUTCOMES.get(event);
    if (outcome != null) {
      jobs(outcome, event == Event.DEAD && stage != null ? stage : NONE).increment();
    }
    String tried = TRIES.get(event);
    Timer timer = tried == null ? null : timers.get(stage + tried);
    if (timer != null && millis != null) {
      timer.record(Duration.ofMillis(millis));
    }
    if (event == Event.RETRY && stage != null) {
      retries(stage).increment();
    }
  }

  private Counter jobs(String outcome, String stage) {
    return Counter.builder("waybill.jobs")
        .description("Jobs by how they ended, and at which stage")
        .tags("outcome", outcome, "stage", stage)
        .register(registry);
  }

  private Counter retries(String stage) {
    return Counter.builder("waybill.retries")
        .description("Tries after a failed one")
        .tags("stage", stage)
        .register(registry);
  }

  /** The same from each process: what all of them share. */
  public void shared(Watch watch, List<String> inboxes, List<String> stages) {
    count(watch, "waiting", Census.Count::waiting);
    count(watch, "ready", Census.Count::ready);
    count(watch, "running", Census.Count::running);
    count(watch, "dead", Census.Count::dead);
    gauge(
        "waybill.jobs.due",
        "Ready, held by nothing, and of no paused queue",
        Tags.empty(),
        () -> watch.count().due());
    gauge(
        "waybill.jobs.lying",
        "Due for a minute and longer",
        Tags.empty(),
        () -> watch.count().lying());
    ended(watch, "done", Census.Count::doneLastHour);
    ended(watch, "dead", Census.Count::deadLastHour);
    gauge(
        "waybill.oldest.age.seconds",
        "Since the oldest job that is ready or runs was received",
        Tags.empty(),
        () -> watch.count().oldestSeconds());
    gauge(
        "waybill.workers.alive",
        "Workers whose lease runs",
        Tags.empty(),
        () -> watch.count().workersAlive());
    inboxes.forEach(inbox -> queue(watch, inbox));
    for (String stage : stages) {
      gauge(
          "waybill.hold",
          "1 while the stage is held back: circuit breaker, quota, Retry-After",
          Tags.of("name", stage),
          () -> held(watch, stage));
    }
  }

  private void queue(Watch watch, String queue) {
    gauge(
        "waybill.inbox.length",
        "Messages that nobody has taken yet",
        Tags.of("queue", queue),
        () -> watch.inboxLengths().getOrDefault(queue, 0L));
    gauge(
        "waybill.queue.paused",
        "1 while an operator has paused it",
        Tags.of("queue", queue),
        () -> held(watch, Holds.QUEUE + queue));
  }

  /** What the BullMQ queue itself says, beside what it has in common with a list. */
  public void bullmq(Watch watch, String queue) {
    queue(watch, queue);
    for (String state : List.of("waiting", "prioritized", "delayed", "active", "failed")) {
      gauge(
          "waybill.bullmq.jobs",
          "Jobs of the BullMQ queue by BullMQ's states",
          Tags.of("queue", queue, "state", state),
          () -> watch.bullmq().of(state));
    }
    gauge(
        "waybill.bullmq.paused",
        "1 while it is paused for all its workers, by BullMQ's own pause",
        Tags.of("queue", queue),
        () -> watch.bullmq().paused() ? 1 : 0);
  }

  private static int held(Watch watch, String name) {
    return watch.holds().stream().anyMatch(hold -> hold.name().equals(name)) ? 1 : 0;
  }

  private void count(Watch watch, String state, ToLongFunction<Census.Count> jobs) {
    gauge(
        "waybill.ledger.jobs",
        "Jobs in the ledger by state",
        Tags.of("state", state),
        () -> jobs.applyAsLong(watch.count()));
  }

  private void ended(Watch watch, String outcome, ToLongFunction<Census.Count> jobs) {
    gauge(
        "waybill.ended.last.hour",
        "Jobs that ended within the last hour, of the newest 1,000",
        Tags.of("outcome", outcome),
        () -> jobs.applyAsLong(watch.count()));
  }

  /** What this process has: slots, programs, disk, and how its fetching goes. */
  public void own(
      Watch watch,
      Supplier<Number> slots,
      Supplier<Number> busy,
      Supplier<Number> programs,
      List<String> fetchingRoutes) {
    gauge("waybill.slots", "Jobs this process runs at once", Tags.empty(), slots);
    gauge("waybill.slots.busy", "Jobs in this process's hands", Tags.empty(), busy);
    gauge("waybill.programs.running", "Programs that run now", Tags.empty(), programs);
    gauge("waybill.disk.free.bytes", "Free for sandboxes", Tags.empty(), watch::diskFree);
    for (String route : fetchingRoutes) {
      gauge(
          "waybill.fetch.age.seconds",
          "Since the route last asked its queue; 0 while all its slots are busy",
          Tags.of("route", route),
          () -> watch.fetchAges().getOrDefault(route, 0.0));
    }
  }

  public void alerts(Alerts alerts) {
    for (String name : Alerts.NAMES) {
      gauge(
          "waybill.alert.active",
          "1 while this process sees it",
          Tags.of("alert", name),
          () -> alerts.stands(name) ? 1 : 0);
    }
  }

  /** A function counter keeps only a weak hold on what it counts. */
  public void cache(Deliveries deliveries) {
    Map<String, ToDoubleFunction<Deliveries>> results =
        Map.of("hit", Deliveries::hits, "miss", Deliveries::misses);
    results.forEach(
        (result, number) ->
            FunctionCounter.builder("waybill.cache", deliveries, number)
                .description("Looks for an earlier delivery of the same course")
                .tags("result", result)
                .register(registry));
  }

  /** The pools are sized from the slots. */
  public void pools(HikariDataSource database, RedisClient redis) {
    pool("database", () -> Pool.of(database));
    pool("redis", () -> Pool.of(redis));
  }

  public void webhookPool(ConnPoolControl<?> webhook) {
    pool("webhook", () -> Pool.of(webhook));
  }

  private void pool(String name, Supplier<Pool> pool) {
    Map<String, ToIntFunction<Pool>> states =
        Map.of(
            "active", Pool::active, "idle", Pool::idle, "max", Pool::max, "waiting", Pool::waiting);
    states.forEach(
        (state, number) ->
            gauge(
                "waybill.pool.connections",
                "Connections in use, free and at most, and threads that wait for one",
                Tags.of("pool", name, "state", state),
                () -> number.applyAsInt(pool.get())));
  }

  private void gauge(String name, String description, Tags tags, Supplier<Number> value) {
    Gauge.builder(name, value).description(description).tags(tags).register(registry);
  }
}
