package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.util.SafeEncoder;
import routes.bullmq.BullQueue;
import routes.bullmq.NewJob;
import routes.ledger.Schema;
import servers.Shop;
import servers.WebhookReceiver.Answer;

/** What {@code waybill grants} prints is enough for everything, and nothing of it is too much. */
class GrantsTest extends WorkerTest {
  private static final String USER = "waybill";
  private static final String PASSWORD = "granted-4c1d";
  private static final Pattern GRANT = Pattern.compile("GRANT (.*) ON (\\S+) TO (\\S+);");
  private static final Pattern PRIVILEGE = Pattern.compile("([A-Z]+)(?: \\(([^)]*)\\))?");

  /** Access denied to a table, and to a column. */
  private static final Set<Integer> DENIED = Set.of(1142, 1143);

  private static final Set<String> OF_THIS_TEST =
      Set.of("acl|setuser", "auth", "client|id", "client|list", "config|resetstat");

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Map<String, String> environment = new LinkedHashMap<>();

  /** Redis' number of the newest connection before the worker's. */
  private long lastOfOthers;

  @BeforeEach
  void noteConnections() {
    try (RedisClient now = shop.newRedis()) {
      lastOfOthers = (Long) now.sendCommand(Protocol.Command.CLIENT, "ID");
    }
  }

  /** The servers are those of the other tests too. */
  @AfterEach
  void forgetTheUser() throws Exception {
    shop.update("SET GLOBAL general_log = OFF");
    shop.update("TRUNCATE TABLE mysql.general_log");
    shop.update("DROP USER IF EXISTS " + USER);
    shop.redis().sendCommand(Protocol.Command.ACL, "DELUSER", USER);
  }

  private String waybill(int code, String... arguments) {
    return CommandLine.run(environment, arguments).ended(code);
  }

  /** As the user that the grants are for; rates and the cache are used, as they need rights too. */
  private String[] asGranted() {
    return new String[] {
      "DB_USER", USER,
      "DB_PASSWORD", PASSWORD,
      "REDIS_USERNAME", USER,
      "REDIS_PASSWORD", PASSWORD,
      "WAYBILL_RETRY_TRIES", "2",
      "WAYBILL_CACHE_ENABLED", "true",
      "WAYBILL_RATE_MAX", "2",
      "WAYBILL_RATE_INTERVAL", "600ms",
      "WAYBILL_RECONCILE_UNSEEN", "true",
      "WAYBILL_RECONCILE_UNSEEN_AFTER", "1s",
      "WAYBILL_WATCH_PERIOD", "100ms",
      "WAYBILL_ALERT_DEAD", "1",
      "WAYBILL_BREAKER_FAILURES", "2",
      "WAYBILL_BREAKER_PAUSE", "200ms"
    };
  }

  private void obey(String printed) throws SQLException {
    List<String> sql = printed.lines().filter(line -> line.endsWith(";")).toList();
    assertEquals(sql.size() + 1, printed.lines().count(), printed);
    for (String statement : sql) {
      shop.update(statement.replace("<password>", PASSWORD));
    }
    String acl = printed.lines().reduce((first, last) -> last).orElseThrow();
    String[] words = acl.replace("<password>", PASSWORD).split(" ");
    shop.redis().sendCommand(Protocol.Command.ACL, Arrays.copyOfRange(words, 1, words.length));
  }

  private void prepareSettings() {
    environment.putAll(shop.environment());
    String[] settings = asGranted();
    for (int i = 0; i < settings.length; i += 2) {
      environment.put(settings[i], settings[i + 1]);
    }
  }

  /** Whatever a worker and an operator do. */
  private void doEverything(WorkerProcess worker) throws Exception {
    worker.parts().history().forgetTheOld();
    long unseen = shop.task("enrolled", Shop.url("unseen"));
    long delivered = shop.order("ok");
    awaitState(delivered, "done");
    awaitState(shop.order("ok"), "done");
    shop.drive().delete("deliveries/Course " + delivered + "/a.txt");
    // What was delivered before is gone: it is downloaded anew.
    awaitState(shop.order("ok"), "done");
    List<Long> atOnce = List.of(shop.order("ok"), shop.order("ok"), shop.order("fails-once"));
    atOnce.forEach(taskId -> awaitState(taskId, "done"));
    long dead = shop.order("fails-always");
    awaitState(dead, "dead");
    waybill(0, "retry", String.valueOf(dead));
    until(() -> Long.parseLong(shop.ledger("token", dead)) > 2, "it was tried once more");
    awaitState(dead, "dead");
    long vip = shop.task("enrolled", Shop.url("slow"));
    shop.pushVip(vip, Shop.url("slow"));
    long waits = shop.task("paid", Shop.url("waits"));
    shop.push(waits, Shop.url("waits"));
    awaitState(waits, "waiting");
    shop.setStatus(waits, "enrolled");
    shop.redis().publish("waybill:enrolled", String.valueOf(waits));
    awaitState(waits, "done");
    shop.redis().lpush(Shop.INBOX, "no JSON");
    long elsewhere = shop.task("enrolled", Shop.url("elsewhere"));
    shop.push(elsewhere, "https://elsewhere.example/");
    until(() -> shop.redis().llen("waybill:rejected") == 2, "both are rejected");
    until(() -> "failed".equals(shop.status(elsewhere)), "its row says so");
    long gated = shop.order("gated");
    awaitState(gated, "running");
    waybill(0, "cancel", String.valueOf(gated));
    awaitState(vip, "done");
    awaitState(unseen, "done");
    operate(delivered);
  }

  private void operate(long taskId) throws Exception {
    waybill(0, "pause", Shop.INBOX);
    waybill(0, "resume", Shop.INBOX);
    waybill(0, "status");
    waybill(0, "jobs", "-q", "nguy");
    waybill(0, "dead");
    waybill(0, "show", String.valueOf(taskId));
    waybill(0, "check");
    long pushed = shop.task("enrolled", Shop.url("pushed"));
    waybill(0, "push", String.valueOf(pushed), "a@example.com", Shop.url("pushed"));
    awaitState(pushed, "done");
    shop.update(
        "INSERT INTO waybill_worker (id, host, pid, started_at, seen_at, lease_ms)"
            + " VALUES ('dead-one', 'elsewhere', 1, UTC_TIMESTAMP(6) - INTERVAL 1 HOUR,"
            + " UTC_TIMESTAMP(6) - INTERVAL 1 HOUR, 30000)");
    long lost = shop.task("enrolled", Shop.url("lost"));
    shop.redis()
        .lpush(
            "waybill:claimed:{" + Shop.INBOX + "}:dead-one", Shop.payload(lost, Shop.url("lost")));
    waybill(0, "recover");
    awaitState(lost, "done");
    until(
        () -> "dead-growing".equals(shop.query("SELECT MAX(name) FROM waybill_alert")), "an alert");
    shop.update("UPDATE waybill_job SET finished_at = finished_at - INTERVAL 2 HOUR");
    until(() -> "0".equals(shop.query("SELECT COUNT(*) FROM waybill_alert")), "it is over");
  }

  /** The users of all connections that workers have named. */
  private Set<String> usersOfWorkers() {
    String clients =
        new String(
            (byte[]) shop.redis().sendCommand(Protocol.Command.CLIENT, "LIST"),
            StandardCharsets.UTF_8);
    Set<String> users = new TreeSet<>();
    Matcher named = Pattern.compile("id=(\\d+) .*name=waybill\\S* .*user=(\\S+)").matcher(clients);
    while (named.find()) {
      if (Long.parseLong(named.group(1)) > lastOfOthers) {
        users.add(named.group(2));
      }
    }
    return users;
  }

  /** What the granted user has asked of the database since the log was turned on. */
  private List<String> statements() throws SQLException {
    List<String> statements = new ArrayList<>();
    try (Connection connection = shop.connect();
        Statement query = connection.createStatement();
        ResultSet rows =
            query.executeQuery(
                "SELECT DISTINCT CONVERT(argument USING utf8mb4) FROM mysql.general_log"
                    + " WHERE user_host LIKE 'waybill[%' AND command_type IN ('Prepare', 'Query')")) {
      while (rows.next()) {
        if (rows.getString(1).strip().matches("(?is)(SELECT|INSERT|UPDATE|DELETE).*")) {
          statements.add(rows.getString(1));
        }
      }
    }
    return statements;
  }

  private boolean allArePossible(List<String> statements) throws SQLException {
    try (Connection connection = DriverManager.getConnection(address(), USER, PASSWORD)) {
      for (String statement : statements) {
        try {
          connection.prepareStatement(statement).close();
        } catch (SQLException e) {
          if (DENIED.contains(e.getErrorCode())) {
            return false;
          }
          throw new SQLException(statement, e);
        }
      }
      return true;
    }
  }

  /**
   * Takes away one after the other, and sees what of all that was asked is still possible.
   *
   * @param tables a pattern of what is taken away
   */
  private List<String> superfluous(String printed, String tables) throws SQLException {
    List<String> statements = statements();
    assertTrue(allArePossible(statements));
    List<String> superfluous = new ArrayList<>();
    for (String one : singly(printed).stream().filter(one -> one.matches(tables)).toList()) {
      shop.update("REVOKE " + one.replace(" TO ", " FROM "));
      if (allArePossible(statements)) {
        superfluous.add(one);
      }
      shop.update("GRANT " + one);
    }
    return superfluous;
  }

  private String address() {
    return "jdbc:mysql://127.0.0.1:"
        + shop.database().port()
        + "/"
        + shop.schema()
        + "?sslMode=DISABLED&allowPublicKeyRetrieval=true&useServerPrepStmts=true"
        + "&emulateUnsupportedPstmts=false";
  }

  /** Each privilege for itself, those on columns for each column: {@code SELECT (id) ON … TO …}. */
  private static List<String> singly(String printed) {
    List<String> all = new ArrayList<>();
    Matcher grant = GRANT.matcher(printed);
    while (grant.find()) {
      String rest = " ON " + grant.group(2) + " TO " + grant.group(3);
      Matcher privilege = PRIVILEGE.matcher(grant.group(1));
      while (privilege.find()) {
        if (privilege.group(2) == null) {
          all.add(privilege.group(1) + rest);
          continue;
        }
        for (String column : privilege.group(2).split(", ")) {
          all.add(privilege.group(1) + " (" + column + ")" + rest);
        }
      }
    }
    return all;
  }

  @Test
  void should_be_enough_for_everything_and_no_more() throws Exception {
    prepareSettings();
    obey(waybill(0, "grants", "--migrate"));
    shop.redis().sendCommand(Protocol.Command.CONFIG, "RESETSTAT");
    startWorker(asGranted()).stop();
    shop.update("DROP USER " + USER);
    String daily = waybill(0, "grants");
    assertFalse(daily.contains("CREATE,") || daily.contains("ALTER"), daily);
    obey(daily);
    shop.update("SET GLOBAL log_output = 'TABLE'");
    shop.update("SET GLOBAL general_log = ON");

    WorkerProcess worker = startWorker(asGranted());
    doEverything(worker);

    assertEquals(Set.of(USER), usersOfWorkers());
    worker.stop();
    assertEquals(List.of(), superfluous(daily, ".*"));
    assertEquals(granted(daily), used());
  }

  private static String[] withBullmq(String[] settings) {
    return Stream.concat(
            Stream.of(settings),
            Stream.of(
                "WAYBILL_QUEUE_SOURCE", "list,bullmq",
                "WAYBILL_BULLMQ_LOCK_RENEW_TIME", "200ms",
                "WAYBILL_BULLMQ_STALLED_INTERVAL", "200ms",
                "WAYBILL_BULLMQ_LIMITER_MAX", "1000",
                "WAYBILL_BREAKER_FAILURES", "10000"))
        .toArray(String[]::new);
  }

  private long add(BullQueue queue, String conduct, NewJob job) throws Exception {
    long taskId = shop.task("enrolled", Shop.url(conduct));
    queue.add("download", Shop.payload(taskId, Shop.url(conduct)), job);
    return taskId;
  }

  private static NewJob job(String id, int attempts, int backoff, int priority, String keep)
      throws Exception {
    ObjectNode pause = JSON.createObjectNode().put("type", "fixed").put("delay", backoff);
    ObjectNode more = JSON.createObjectNode();
    more.set("removeOnComplete", JSON.readTree(keep));
    return new NewJob(
        id,
        Duration.ofMillis(backoff),
        attempts,
        backoff == 0 ? null : pause,
        priority,
        false,
        id,
        null,
        more);
  }

  /** Whatever can become of a BullMQ job. */
  private void workAll(BullQueue queue, Runnable start) throws Exception {
    long kept = add(queue, "ok", job("kept", 1, 0, 0, "{\"count\":5,\"age\":3600}"));
    long again = add(queue, "ok", job("again", 2, 200, 3, "true"));
    long atOnce = add(queue, "ok", job("at-once", 2, 0, 0, "true"));
    long refused = add(queue, "ok", job("refused", 1, 0, 0, "true"));
    long half = add(queue, "half", job("half", 1, 0, 2, "false"));
    long gone = add(queue, "gated", job("gone", 1, 0, 0, "false"));
    long paid = shop.task("paid", Shop.url("ok"));
    queue.add("download", Shop.payload(paid, Shop.url("ok")), job("paid", 1, 0, 0, "false"));
    queue.add("download", "no JSON", job("poison", 1, 0, 0, "false"));
    Answer[] twice = {Answer.of(503), Answer.of(503)};
    shop.webhook().answer(again, twice);
    shop.webhook().answer(atOnce, twice);
    shop.webhook().answer(refused, Answer.of(400));
    shop.redis().sendCommand(Protocol.Command.CONFIG, "RESETSTAT");
    start.run();

    until(() -> shop.downloads(gone) == 1 && shop.downloads(half) == 1, "they download");
    shop.redis().lrem("bull:downloads:active", 1, "gone");
    shop.redis().del("bull:downloads:gone");
    shop.redis().del("bull:downloads:gone:lock");
    shop.redis().del("bull:downloads:half:lock");
    until(() -> shop.redis().exists("bull:downloads:half:lock"), "it is held again");
    until(() -> shop.redis().hexists("bull:downloads:half", "progress"), "it says how far it is");
    until(() -> shop.redis().zscore("bull:downloads:delayed", "paid") != null, "it waits");
    shop.setStatus(paid, "enrolled");
    shop.goOn(half);
    shop.goOn(gone);
    awaitState(refused, "dead");
    until(() -> shop.redis().zscore("bull:downloads:failed", "refused") != null, "it has failed");
    waybill(0, "retry", String.valueOf(refused));
    for (long taskId : List.of(kept, again, atOnce, refused, half, gone, paid)) {
      awaitState(taskId, "done");
    }
    for (String completed : List.of("kept", "half", "paid")) {
      until(
          () -> shop.redis().zscore("bull:downloads:completed", completed) != null,
          completed + " is completed");
    }
    until(() -> shop.redis().zscore("bull:downloads:failed", "poison") != null, "it is refused");
    assertTrue(shop.redis().llen("bull:downloads:half:logs") > 0);
    waybill(0, "status");
    waybill(0, "check");
  }

  /**
   * The child of a flow whose parent's queue is not granted: it waits, and nothing is half done.
   */
  private void endChild(BullQueue queue) throws Exception {
    String parent = "{\"id\":\"order\",\"queueKey\":\"bull:orders\"}";
    shop.redis().hset("bull:orders:order", "name", "order");
    shop.redis().zadd("bull:orders:waiting-children", 1, "order");
    shop.redis().sadd("bull:orders:order:dependencies", "bull:downloads:child");
    long child = add(queue, "gated", job("child", 1, 0, 0, "false"));
    shop.redis()
        .hset("bull:downloads:child", Map.of("parentKey", "bull:orders:order", "parent", parent));
    shop.goOn(child);
    awaitState(child, "done");
    until(() -> aclLog().contains("bull:orders:order"), "it is refused");
    assertTrue(shop.redis().lrange("bull:downloads:active", 0, -1).contains("child"));
    long other = add(queue, "ok", job("beside", 1, 0, 0, "false"));
    awaitState(other, "done");
    until(
        () -> shop.redis().zscore("bull:downloads:completed", "beside") != null,
        "others are told all the same");
    shop.redis().sendCommand(Protocol.Command.ACL, "SETUSER", USER, "~bull:orders:*");
    until(() -> shop.redis().zscore("bull:downloads:completed", "child") != null, "it is told");
    assertEquals(List.of("order"), shop.redis().lrange("bull:orders:wait", 0, -1));
  }

  private String aclLog() {
    Object log = shop.redis().sendCommand(Protocol.Command.ACL, "LOG");
    return SafeEncoder.encodeObject(log).toString();
  }

  @Test
  void should_be_enough_for_a_bullmq_queue_and_no_more() throws Exception {
    prepareSettings();
    String[] all = withBullmq(asGranted());
    Set<String> withoutBullmq = granted(waybill(0, "grants"));
    for (int i = 0; i < all.length; i += 2) {
      environment.put(all[i], all[i + 1]);
    }
    try (Connection admin = shop.connect()) {
      Schema.migrate(new SingleConnectionDataSource(admin, true));
    }
    String daily = waybill(0, "grants");
    obey(daily);
    shop.update("SET GLOBAL log_output = 'TABLE'");
    shop.update("SET GLOBAL general_log = ON");

    List<WorkerProcess> workers = new ArrayList<>();
    BullQueue queue = new BullQueue(shop.redis(), "bull", "downloads", Clock.systemUTC());
    workAll(
        queue,
        () -> {
          try {
            workers.add(startWorker(all));
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });

    endChild(queue);

    assertEquals(Set.of(USER), usersOfWorkers());
    workers.get(0).stop();
    assertEquals(List.of(), superfluous(daily, ".*waybill_(bullmq|installation) .*"));
    Set<String> unused = granted(daily);
    unused.removeAll(withoutBullmq);
    assertFalse(unused.isEmpty());
    unused.removeAll(used());
    assertEquals(Set.of(), unused);
  }

  private static Set<String> granted(String printed) {
    Set<String> commands = new TreeSet<>();
    for (String word : printed.substring(printed.indexOf("ACL SETUSER")).strip().split(" ")) {
      if (word.startsWith("+")) {
        commands.add(word.substring(1));
      }
    }
    return commands;
  }

  /** Every command that was given since the statistics were reset, those of scripts too. */
  private Set<String> used() {
    Set<String> used = new TreeSet<>();
    Matcher command =
        Pattern.compile("cmdstat_(\\S+?):calls=[1-9]").matcher(shop.redis().info("commandstats"));
    while (command.find()) {
      used.add(command.group(1));
    }
    used.removeAll(OF_THIS_TEST);
    return used;
  }
}
