package bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.springframework.jdbc.core.JdbcTemplate;
import routes.job.Sandbox;
import routes.ledger.Schema;
import routes.monitoring.LogFiles;
import routes.settings.Settings;
import routes.settings.Sources;
import servers.Shop;

/**
 * {@code ./waybill bench}: what Waybill costs on top of two programs that do nothing, on real
 * servers, beside the floor measured in the same run.
 */
public final class Bench {
  private static final String USAGE =
      """
      usage: ./waybill bench [--quick] [--only <scenario>] [--jobs N] [--repeats N] [--data <directory>]

      --data: where the servers have their files; another disk, or memory, shows what the disk's share is

      scenarios: throughput latency enrolment bulk crowd course memory bullmq""";

  private static final int MOST_WARM_UPS = 12;

  private final PrintStream out;
  private final Map<String, Object> results = new LinkedHashMap<>();
  private final int jobs;
  private final int repeats;
  private final boolean quick;
  private final Path data;
  private Site site;

  private Bench(PrintStream out, int jobs, int repeats, boolean quick, Path data) {
    this.out = out;
    this.data = data;
    this.jobs = jobs;
    this.quick = quick;
    this.repeats = repeats;
  }

  public static void main(String[] arguments) throws Exception {
    LogFiles.silence();
    List<String> words = new ArrayList<>(List.of(arguments));
    boolean quick = words.remove("--quick");
    String only = take(words, "--only", "");
    int jobs = Integer.parseInt(take(words, "--jobs", quick ? "1000" : "3000"));
    Path data = Path.of(take(words, "--data", "target/bench"));
    int repeats = Integer.parseInt(take(words, "--repeats", quick ? "1" : "5"));
    if (!words.isEmpty()) {
      System.err.println(USAGE);
      System.exit(2);
    }
    int code = 1;
    try {
      new Bench(
              new PrintStream(System.out, true, StandardCharsets.UTF_8), jobs, repeats, quick, data)
          .run(only);
      code = 0;
    } catch (Exception e) {
      e.printStackTrace();
    }
    // Servers and clients have threads that would go on.
    System.exit(code);
  }

  private static String take(List<String> words, String option, String otherwise) {
    int at = words.indexOf(option);
    if (at < 0 || at + 1 >= words.size()) {
      return otherwise;
    }
    words.remove(at);
    return words.remove(at);
  }

  private interface Scenario {
    void run() throws Exception;
  }

  private void run(String only) throws Exception {
    Path directory = data.resolve("run-" + ProcessHandle.current().pid()).toAbsolutePath();
    Map<String, Scenario> scenarios = new LinkedHashMap<>();
    scenarios.put("throughput", this::throughput);
    scenarios.put("latency", this::latency);
    scenarios.put("enrolment", this::enrolment);
    scenarios.put("bulk", this::bulk);
    scenarios.put("crowd", this::crowd);
    scenarios.put("course", this::course);
    scenarios.put("memory", this::memory);
    // The last: it leaves another worker behind.
    scenarios.put("bullmq", () -> new BesideNode(site, this::row, jobs, repeats).run());
    results.put("at", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    results.put("processors", Runtime.getRuntime().availableProcessors());
    results.put("java", System.getProperty("java.version"));
    try (Site opened = new Site(directory)) {
      site = opened;
      if (!only.equals("bullmq")) {
        Duration start = site.startWorker();
        row("start-up to ready", "%.1f s", start.toMillis() / 1000.0);
        warmUp();
      }
      for (Map.Entry<String, Scenario> scenario : scenarios.entrySet()) {
        if (only.isEmpty() || only.equals(scenario.getKey())) {
          out.println("-- " + scenario.getKey());
          scenario.getValue().run();
        }
      }
    }
    Path json = Path.of("target", "bench.json");
    Files.writeString(
        json,
        new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(results));
    out.println("The same as JSON: " + json);
    new Sandbox(directory).delete();
  }

  private void row(String name, String format, Object... values) {
    String text = format.formatted(values);
    results.put(name, text);
    out.println("%-44s %s".formatted(name, text));
  }

  /** Until the JIT compiler has little left to do: the rate grows no more. */
  private void warmUp() throws Exception {
    if (quick) {
      throughputOnce(500);
      return;
    }
    double best = 0;
    for (int round = 0; round < MOST_WARM_UPS; round++) {
      double rate = throughputOnce(1500);
      if (rate < best * 1.05) {
        return;
      }
      best = rate;
    }
  }

  /** The last jobs are still being closed when their webhooks have come. */
  private void settle() throws Exception {
    Wait.until(
        () ->
            "0"
                .equals(
                    site.shop()
                        .query(
                            "SELECT COUNT(*) FROM waybill_job WHERE state IN ('ready', 'running')")),
        "all jobs are closed");
  }

  /** All pushed at once; from the first push to the last webhook. */
  private double throughputOnce(int number) throws Exception {
    List<Long> ids = site.tasks(number, "enrolled", Shop.url("ok"));
    long started = System.nanoTime();
    site.push(ids);
    site.awaitWebhooks(number);
    double rate = number / ((System.nanoTime() - started) / 1e9);
    site.arrivals();
    settle();
    return rate;
  }

  private void throughput() throws Exception {
    List<Double> floors = new ArrayList<>();
    List<Double> rates = new ArrayList<>();
    Site.Cpu before = site.cpu();
    long statements = site.statements();
    long commands = site.redisCommands();
    for (int i = 0; i < repeats; i++) {
      floors.add(Floor.measure(site.shop().directory(), site.fixture(), jobs));
      rates.add(throughputOnce(jobs));
    }
    int all = jobs * repeats;
    Figures floor = Figures.of(floors);
    Figures rate = Figures.of(rates);
    row(
        "floor, two programs a job",
        "%.0f /s (%.0f to %.0f)",
        floor.median(),
        floor.least(),
        floor.most());
    row(
        "jobs, all pushed at once",
        "%.0f /s (%.0f to %.0f)",
        rate.median(),
        rate.least(),
        rate.most());
    row("ratio to the floor", "%.2f", rate.median() / floor.median());
    Site.Cpu used = site.cpu().since(before);
    row("processor time a job, worker", "%.2f ms", millis(used.worker(), all));
    row("processor time a job, its programs", "%.2f ms", millis(used.programs(), all));
    row("processor time a job, database", "%.2f ms", millis(used.database(), all));
    row("processor time a job, Redis", "%.2f ms", millis(used.redis(), all));
    row("statements a job", "%.1f", (site.statements() - statements) / (double) all);
    row("Redis commands a job", "%.1f", (site.redisCommands() - commands) / (double) all);
    row("worker's memory", "%d MiB", site.workerRssKib() / 1024);
  }

  private static double millis(Duration duration, int jobs) {
    return duration.toNanos() / 1e6 / jobs;
  }

  private Figures latencyOnce(int number, int perSecond) throws Exception {
    List<Long> ids = site.tasks(number, "enrolled", Shop.url("ok"));
    Map<Long, Long> pushed = new HashMap<>();
    long start = System.nanoTime();
    for (int i = 0; i < number; i++) {
      long due = start + i * 1_000_000_000L / perSecond;
      while (System.nanoTime() < due) {
        TimeUnit.NANOSECONDS.sleep(Math.max(0, Math.min(200_000, due - System.nanoTime())));
      }
      pushed.put(ids.get(i), micros());
      site.push(ids.get(i));
    }
    site.awaitWebhooks(number);
    Figures latency = since(pushed);
    settle();
    return latency;
  }

  private static long micros() {
    return ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
  }

  /** Milliseconds from each moment to the task's webhook. */
  private Figures since(Map<Long, Long> moments) throws Exception {
    List<Double> latencies = new ArrayList<>();
    site.arrivals().forEach((id, at) -> latencies.add((at - moments.get(id)) / 1000.0));
    return Figures.of(latencies);
  }

  private void percentiles(String name, Figures figures) {
    row(
        name,
        "p50 %.1f ms, p99 %.1f ms, max %.1f ms of %d",
        figures.median(),
        figures.at(0.99),
        figures.most(),
        figures.sorted().length);
  }

  private void latency() throws Exception {
    try (DiskProbe disk = new DiskProbe(site.shop().directory())) {
      percentiles("push to webhook, 20 jobs/s", latencyOnce(quick ? 200 : 1000, 20));
      percentiles("floor of it: the disk's own write and fsync", disk.stop());
    }
  }

  private void enrolment() throws Exception {
    percentiles("enrolled to webhook, woken", enrolOnce(quick ? 30 : 200, true));
    percentiles("enrolled to webhook, by polling", enrolOnce(quick ? 10 : 40, false));
  }

  /** New tasks that are in the ledger and not enrolled. */
  private List<Long> waiting(int number) throws Exception {
    List<Long> ids = site.tasks(number, "pending", Shop.url("ok"));
    site.push(ids);
    Wait.until(
        () ->
            String.valueOf(number)
                .equals(
                    site.shop()
                        .query(
                            "SELECT COUNT(*) FROM waybill_job WHERE state = 'waiting'"
                                + " AND task_id >= ?",
                            ids.get(0))),
        "all of them wait");
    return ids;
  }

  private Figures enrolOnce(int number, boolean wake) throws Exception {
    List<Long> ids = waiting(number);
    Map<Long, Long> enrolled = new HashMap<>();
    for (long id : ids) {
      site.shop().setStatus(id, "enrolled");
      enrolled.put(id, micros());
      if (wake) {
        site.shop().redis().publish("waybill:enrolled", String.valueOf(id));
      }
      // Spread over the ticks of the poll.
      TimeUnit.MILLISECONDS.sleep(wake ? 50 : 330);
    }
    site.awaitWebhooks(number);
    Figures figures = since(enrolled);
    settle();
    return figures;
  }

  /** Enrolled at one moment, while ordinary jobs go on coming. */
  private void bulk() throws Exception {
    int number = quick ? 2_000 : 10_000;
    List<Long> ids = waiting(number);
    List<Long> later = site.tasks(20, "enrolled", Shop.url("ok"));
    long started = System.nanoTime();
    site.shop()
        .update(
            "UPDATE download_tasks SET status = 'enrolled' WHERE id BETWEEN ? AND ?",
            ids.get(0),
            ids.get(number - 1));
    site.push(later);
    site.awaitWebhooks(number + later.size());
    double rate = (number + later.size()) / ((System.nanoTime() - started) / 1e9);
    row(number + " enrolled at one moment", "%.0f /s until the last webhook", rate);
    site.arrivals();
    settle();
  }

  /** One round, with a crowd in front or without one. */
  private record Round(double push, double woken, double rate, double fifty) {}

  private Round round() throws Exception {
    return new Round(
        latencyOnce(quick ? 100 : 400, 20).median(),
        enrolOnce(quick ? 20 : 100, true).median(),
        throughputOnce(jobs),
        throughputOnce(50));
  }

  /** With and without in turn, so that what the machine does meanwhile comes to both. */
  private void crowd() throws Exception {
    for (int size : quick ? new int[] {50, 10_000} : new int[] {50, 10_000, 100_000}) {
      List<Round> without = new ArrayList<>();
      List<Round> with = new ArrayList<>();
      String behind = " behind " + size + " that wait";
      for (int i = 0; i < (quick ? 1 : 3); i++) {
        without.add(round());
        site.crowd(size);
        try {
          with.add(round());
          if (i == 0) {
            row("one look" + behind, "%.0f ms, plan %s", look(), plan());
            row("worker's memory" + behind, "%d MiB", site.workerRssKib() / 1024);
          }
        } finally {
          site.noCrowd();
        }
      }
      compare("push to webhook, p50" + behind, "ms", without, with, Round::push);
      compare("enrolled to webhook, woken, p50" + behind, "ms", without, with, Round::woken);
      compare("jobs, all pushed at once" + behind, "/s", without, with, Round::rate);
      row("50 enrolled jobs" + behind, "%.0f ms", 50_000 / median(with, Round::fifty));
    }
  }

  private static double median(List<Round> rounds, ToDoubleFunction<Round> figure) {
    return Figures.of(rounds.stream().mapToDouble(figure).toArray()).median();
  }

  private void compare(
      String name,
      String unit,
      List<Round> without,
      List<Round> with,
      ToDoubleFunction<Round> figure) {
    double before = median(without, figure);
    double after = median(with, figure);
    row(
        name,
        "%.1f %s, %.1f without: %+.0f %% (%s, without %s)",
        after,
        unit,
        before,
        100 * (after / before - 1),
        all(with, figure),
        all(without, figure));
  }

  private static String all(List<Round> rounds, ToDoubleFunction<Round> figure) {
    return rounds.stream()
        .map(round -> "%.1f".formatted(figure.applyAsDouble(round)))
        .collect(Collectors.joining(" "));
  }

  private static String findMovable() throws IOException {
    try (var in = Bench.class.getResourceAsStream("/sql/find-movable.sql")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** How the database goes about the look: a line a table. */
  private List<String> plan() throws Exception {
    List<String> plan = new ArrayList<>();
    try (var connection = site.shop().connect();
        var statement = connection.createStatement();
        var row = statement.executeQuery("EXPLAIN " + findMovable())) {
      while (row.next()) {
        plan.add(
            row.getString("table")
                + " by "
                + row.getString("type")
                + " of "
                + row.getString("key")
                + ", "
                + row.getString("rows")
                + " rows");
      }
    }
    return plan;
  }

  /**
   * The statement of every tick, over connections like the worker's, while somebody else writes to
   * the ledger.
   */
  private double look() throws Exception {
    String sql = findMovable();
    Settings settings =
        Settings.from(Sources.read(site.shop().environment(), new Properties(), Path.of("none")));
    List<Double> times = new ArrayList<>();
    try (var pool = Schema.pool(settings)) {
      JdbcTemplate worker = new JdbcTemplate(pool);
      for (int i = 0; i < 9; i++) {
        site.shop().update("UPDATE waybill_job SET updated_at = UTC_TIMESTAMP(6) LIMIT 1");
        long started = System.nanoTime();
        worker.queryForList(sql);
        times.add((System.nanoTime() - started) / 1e6);
      }
    }
    return Figures.of(times).median();
  }

  private void course() throws Exception {
    site.stopWorker();
    site.startWorker("WAYBILL_CACHE_ENABLED", "true", "RCLONE", site.rclone().toString());
    warmUp();
    long before = downloads();
    // Another address than the warm-up's, which is remembered by now.
    List<Long> ids = site.tasks(50, "enrolled", Shop.url("bought-by-many"));
    long started = System.nanoTime();
    ids.forEach(id -> site.shop().push(id, Shop.url("bought-by-many")));
    site.awaitWebhooks(ids.size());
    row(
        "50 buyers of one course",
        "%d downloads, all webhooks after %.0f ms",
        downloads() - before,
        (System.nanoTime() - started) / 1e6);
    site.arrivals();
    settle();
    site.stopWorker();
    site.startWorker();
    warmUp();
  }

  private long downloads() throws Exception {
    return site.shop().events().stream()
        .filter(event -> event.path("event").asText().equals("DOWNLOAD_START"))
        .count();
  }

  /** An hour's work in a minute or two. */
  private void memory() throws Exception {
    int number = quick ? 4000 : 24_000;
    List<Long> looks = new ArrayList<>();
    for (int done = 0; done < number; done += 2000) {
      throughputOnce(2000);
      looks.add(site.workerRssKib() / 1024);
    }
    row("memory over " + number + " jobs", "%s MiB", looks);
  }
}
