package torture;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import routes.command.ProcessTree;
import servers.CutProxy;
import servers.LocalProcess;
import servers.Shop;
import servers.WebhookReceiver.Call;
import servers.WorkerJar;

/**
 * {@code ./waybill torture}: several real workers on one queue, a seeded schedule of faults, and a
 * checker that looks from outside: at the shop's table, the remote, the webhooks, the processes.
 * The ledger is read for its tokens only.
 */
public final class Torture {
  private static final Duration LEASE = Duration.ofSeconds(3);
  private static final Duration LONGEST_AFTER_LAST_FAULT = Duration.ofMinutes(5);
  private static final Pattern RECOVERED = Pattern.compile("\\d+ jobs of .*-(\\d+)-[0-9a-f]{8}");

  /** How a task's download goes, and how often among a hundred. */
  private static final Map<String, Integer> CONDUCTS = new LinkedHashMap<>();

  static {
    CONDUCTS.put("ok", 70);
    CONDUCTS.put("fails-once", 10);
    CONDUCTS.put("slow", 8);
    CONDUCTS.put("forks", 6);
    CONDUCTS.put("fails-always", 6);
  }

  private final int jobs;
  private final int faultCount;
  private final long seed;
  private final Duration length;
  private final PrintStream out;
  private final Path directory;
  private final Map<Long, String> conducts = new TreeMap<>();
  private final Map<Long, Long> tokens = new HashMap<>();
  private final List<String> violations = Collections.synchronizedList(new ArrayList<>());
  private final Map<Long, Instant> kills = new ConcurrentHashMap<>();
  private final Map<Fault.Kind, Integer> done = new TreeMap<>();
  private int pushed;
  private int poison;

  /**
   * @param length of the time over which jobs are pushed and faults happen
   */
  public Torture(
      int jobs, int faults, long seed, Duration length, Path directory, PrintStream out) {
    this.jobs = jobs;
    this.faultCount = faults;
    this.seed = seed;
    this.length = length;
    this.directory = directory;
    this.out = out;
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, String> options =
        new HashMap<>(Map.of("--jobs", "2000", "--faults", "200", "--seed", "1", "--minutes", "8"));
    for (int i = 0; i + 1 < arguments.length; i += 2) {
      if (options.put(arguments[i], arguments[i + 1]) == null) {
        System.err.println(
            "usage: ./waybill torture [--jobs N] [--faults N] [--seed N] [--minutes N]");
        System.exit(2);
      }
    }
    boolean well =
        new Torture(
                Integer.parseInt(options.get("--jobs")),
                Integer.parseInt(options.get("--faults")),
                Long.parseLong(options.get("--seed")),
                Duration.ofMinutes(Long.parseLong(options.get("--minutes"))),
                Path.of(
                    "target",
                    "torture",
                    "seed-" + options.get("--seed") + "-" + ProcessHandle.current().pid()),
                new PrintStream(System.out, true, StandardCharsets.UTF_8))
            .run();
    System.exit(well ? 0 : 1);
  }

  /**
   * @return whether nothing was lost, doubled, early or left behind
   */
  public boolean run() throws Exception {
    try (Shop shop = Shop.openAlone(directory);
        CutProxy redis = CutProxy.before(shop.redisServer().port());
        CutProxy database = CutProxy.before(shop.database().port());
        CutProxy webhook = CutProxy.before(shop.webhook().port())) {
      shop.webhook().onCall(call -> checkNotEarly(shop, call));
      String[] settings = {
        "REDIS_PORT", String.valueOf(redis.port()),
        "DB_PORT", String.valueOf(database.port()),
        "WEBHOOK_URL", "http://127.0.0.1:" + webhook.port() + "/webhook",
        "WAYBILL_LEASE", "3s",
        "WAYBILL_RECOVERY_MAX_CRASHES", "100",
        "WAYBILL_RETRY_TRIES", "8",
        "WAYBILL_RETRY_DELAY", "200ms",
        "WAYBILL_DOWNLOAD_TRIES", "3",
        "WAYBILL_DB_TIMEOUT", "2s",
        "WAYBILL_REDIS_TIMEOUT", "1s",
        "WAYBILL_SHUTDOWN_GRACE", "1s",
        "WAYBILL_ENROLMENT_MAX_WAIT", "1d",
        "WORKER_COUNT", "4"
      };
      List<LocalProcess> workers = new ArrayList<>();
      try {
        for (int i = 0; i < 3; i++) {
          workers.add(WorkerJar.start(shop, settings));
        }
        wreck(shop, workers, settings, redis, database, webhook);
        boolean ended = awaitEnd(shop);
        if (!ended) {
          violations.add(
              "not every task had ended "
                  + LONGEST_AFTER_LAST_FAULT.toSeconds()
                  + " s after the last fault");
        }
      } finally {
        workers.forEach(LocalProcess::close);
      }
      check(shop);
      report(shop);
      return violations.isEmpty();
    }
  }

  private void wreck(
      Shop shop,
      List<LocalProcess> workers,
      String[] settings,
      CutProxy redis,
      CutProxy database,
      CutProxy webhook)
      throws Exception {
    List<Fault> faults = new ArrayList<>(Fault.schedule(seed, faultCount));
    Random random = new Random(seed + 1);
    long start = System.nanoTime();
    while (pushed < jobs || !faults.isEmpty()) {
      double at = (System.nanoTime() - start) / (double) length.toNanos();
      while (pushed < jobs && pushed < at * 1.25 * jobs) {
        push(shop, random);
      }
      while (!faults.isEmpty() && faults.get(0).at() <= at) {
        Fault fault = faults.remove(0);
        done.merge(fault.kind(), 1, Integer::sum);
        happen(fault, shop, workers, redis, database, webhook);
        for (int i = 0; i < workers.size(); i++) {
          if (!workers.get(i).isAlive()) {
            workers.get(i).close();
            workers.set(i, WorkerJar.start(shop, settings));
          }
        }
      }
      watchTokens(shop);
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  private void push(Shop shop, Random random) throws Exception {
    int left = random.nextInt(100);
    String conduct = "ok";
    for (Map.Entry<String, Integer> entry : CONDUCTS.entrySet()) {
      left -= entry.getValue();
      if (left < 0) {
        conduct = entry.getKey();
        break;
      }
    }
    boolean later = random.nextInt(10) == 0;
    String url = Shop.url(conduct);
    long taskId = insist(() -> shop.task(later ? "pending" : "enrolled", url));
    conducts.put(taskId, conduct);
    int times = random.nextInt(20) == 0 ? 3 : 1;
    for (int i = 0; i < times; i++) {
      insist(
          () -> {
            if (taskId % 7 == 0) {
              shop.pushVip(taskId, url);
            } else {
              shop.push(taskId, url);
            }
            return null;
          });
    }
    if (random.nextInt(40) == 0) {
      insist(() -> shop.redis().lpush(Shop.INBOX, "{\"poison\":" + taskId));
      poison++;
    }
    if (later) {
      insist(
          () ->
              shop.update(
                  "UPDATE download_tasks SET status = 'enrolled' WHERE id = ? AND status = 'pending'",
                  taskId));
    }
    pushed++;
  }

  private void happen(
      Fault fault,
      Shop shop,
      List<LocalProcess> workers,
      CutProxy redis,
      CutProxy database,
      CutProxy webhook)
      throws Exception {
    LocalProcess worker = workers.get(fault.which() % workers.size());
    switch (fault.kind()) {
      case KILL_WORKER -> {
        kills.put(worker.pid(), Instant.now());
        worker.signal("KILL");
        worker.awaitExit(Duration.ofSeconds(10));
      }
      case FREEZE_WORKER -> {
        worker.signal("STOP");
        Thread thaw =
            new Thread(
                () -> {
                  try {
                    TimeUnit.MILLISECONDS.sleep(LEASE.toMillis() * 2);
                    worker.signal("CONT");
                  } catch (InterruptedException | IOException e) {
                    violations.add("a worker could not be thawed: " + e);
                  }
                });
        thaw.start();
      }
      case STOP_WORKER -> {
        worker.signal("CONT");
        worker.signal("TERM");
      }
      case KILL_REDIS -> {
        shop.redisServer().kill();
        shop.redisServer().start();
      }
      case KILL_DATABASE -> {
        shop.database().kill();
        shop.database().start();
      }
      case CUT_REDIS -> redis.cutNextAnswers(1 + fault.which() % 5);
      case CUT_DATABASE -> database.cutNextAnswers(1 + fault.which() % 5);
      case CUT_WEBHOOK -> webhook.cutNextAnswers(1);
      case KILL_CHILD -> {
        List<ProcessHandle> children =
            ProcessTree.marked(mark -> mark.startsWith(shop.staging().toString()));
        if (!children.isEmpty()) {
          children.get(fault.which() % children.size()).destroyForcibly();
        }
      }
    }
  }

  private boolean awaitEnd(Shop shop) throws Exception {
    long deadline = System.nanoTime() + LONGEST_AFTER_LAST_FAULT.toNanos();
    while (System.nanoTime() < deadline) {
      watchTokens(shop);
      String open =
          insist(
              () ->
                  shop.query(
                      "SELECT COUNT(*) FROM download_tasks t LEFT JOIN waybill_job j ON j.task_id = t.id"
                          + " WHERE j.task_id IS NULL OR j.state NOT IN ('done', 'dead')"));
      if (open.equals("0") && shop.redis().llen(Shop.INBOX) == 0) {
        return true;
      }
      TimeUnit.MILLISECONDS.sleep(200);
    }
    return false;
  }

  /** A token that shrinks would let an old worker write. */
  private void watchTokens(Shop shop) {
    try (Connection connection = shop.connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT task_id, token FROM waybill_job")) {
      while (rows.next()) {
        Long before = tokens.put(rows.getLong(1), rows.getLong(2));
        if (before != null && before > rows.getLong(2)) {
          violations.add("task " + rows.getLong(1) + ": its token shrank");
        }
      }
    } catch (SQLException awayOrNotYetMade) {
      // the next look sees it
    }
  }

  private void checkNotEarly(Shop shop, Call call) {
    Map<String, String> there = delivered(shop, call.taskId());
    if (!there.equals(Shop.expected(call.taskId()))) {
      violations.add(
          "task " + call.taskId() + ": its webhook came before its files: " + there.keySet());
    }
  }

  private static Map<String, String> delivered(Shop shop, long taskId) {
    Map<String, String> tree = new TreeMap<>();
    String folder = "Course " + taskId;
    try {
      Shop.tree(shop.drive().content().resolve("deliveries").resolve(folder))
          .forEach((path, content) -> tree.put(folder + "/" + path, content));
    } catch (IOException e) {
      tree.put("unreadable", e.toString());
    }
    return tree;
  }

  private void check(Shop shop) throws Exception {
    for (Map.Entry<Long, String> task : conducts.entrySet()) {
      long id = task.getKey();
      boolean shouldFail = task.getValue().equals("fails-always");
      String status = shop.status(id);
      List<Call> calls = shop.webhook().calls(id);
      boolean sandbox = Files.exists(shop.sandbox(id));
      if (!status.equals(shouldFail ? "failed" : "completed")) {
        violations.add(
            "task "
                + id
                + " ("
                + task.getValue()
                + "): status "
                + status
                + ", "
                + shop.ledger("last_error", id));
        continue;
      }
      if (shouldFail) {
        expect(id, calls.isEmpty(), "a failed task has a webhook");
        expect(id, sandbox, "a failed task has no sandbox");
        continue;
      }
      expect(
          id,
          delivered(shop, id).equals(Shop.expected(id)),
          "its files are not right: " + delivered(shop, id));
      expect(id, !calls.isEmpty(), "no webhook");
      expect(
          id, calls.stream().map(Call::id).distinct().count() == 1, "webhooks with different ids");
      expect(
          id,
          calls.stream().map(Call::folder).distinct().count() == 1,
          "webhooks with different content");
      expect(id, calls.stream().allMatch(Call::signed), "a webhook with a wrong signature");
      expect(id, !sandbox, "a delivered task has a sandbox");
    }
    for (ProcessHandle left :
        ProcessTree.marked(mark -> mark.startsWith(shop.staging().toString()))) {
      if (ProcessTree.runs(left)) {
        violations.add("process " + left.pid() + " is left");
      }
    }
    TreeSet<String> keys = new TreeSet<>(shop.waybillKeys());
    keys.remove("waybill:rejected");
    if (!keys.isEmpty()) {
      violations.add("left in Redis: " + keys);
    }
  }

  private void expect(long taskId, boolean condition, String fault) {
    if (!condition) {
      violations.add("task " + taskId + ": " + fault);
    }
  }

  private void report(Shop shop) throws Exception {
    int downloads = 0;
    for (long id : conducts.keySet()) {
      downloads += shop.downloads(id);
    }
    List<Long> recoveries = new ArrayList<>();
    int recovered = 0;
    for (JsonNode event : shop.events()) {
      if (event.path("event").asText().equals("RECOVERED")) {
        recovered++;
        Matcher worker = RECOVERED.matcher(event.path("detail").asText());
        if (worker.matches() && kills.containsKey(Long.parseLong(worker.group(1)))) {
          recoveries.add(
              Duration.between(
                      kills.get(Long.parseLong(worker.group(1))),
                      Instant.parse(event.path("at").asText()))
                  .toMillis());
        }
      }
    }
    Collections.sort(recoveries);
    out.printf("%nseed %d, %d jobs, %d faults %s%n", seed, jobs, faultCount, done);
    out.printf(
        "completed %s, failed %s, poison pushed %d%n",
        shop.query("SELECT COUNT(*) FROM download_tasks WHERE status = 'completed'"),
        shop.query("SELECT COUNT(*) FROM download_tasks WHERE status = 'failed'"),
        poison);
    out.printf(
        "downloader runs %d, webhooks %d, takeovers %d%n",
        downloads, shop.webhook().calls().size(), recovered);
    if (!recoveries.isEmpty()) {
      out.printf(
          "kill to takeover: p50 %d ms, p99 %d ms, max %d ms (lease %d ms)%n",
          recoveries.get(recoveries.size() / 2),
          recoveries.get((int) Math.ceil(recoveries.size() * 0.99) - 1),
          recoveries.get(recoveries.size() - 1),
          LEASE.toMillis());
    }
    out.printf("violations: %d%n", violations.size());
    violations.stream().limit(20).forEach(violation -> out.println("  " + violation));
    if (!violations.isEmpty()) {
      out.println("history and logs: " + directory.toAbsolutePath());
    }
  }

  private interface Work<T> {
    T run() throws Exception;
  }

  /** The shop's own side goes through the same outages, and does not give up either. */
  private static <T> T insist(Work<T> work) throws Exception {
    Exception last = null;
    for (int i = 0; i < 300; i++) {
      try {
        return work.run();
      } catch (SQLException | redis.clients.jedis.exceptions.JedisException e) {
        last = e;
        TimeUnit.MILLISECONDS.sleep(100);
      }
    }
    throw last;
  }
}
