package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.RedisClient;
import routes.command.ProcessTree;
import servers.LocalProcess;
import servers.Ports;
import servers.Shop;
import servers.WebhookReceiver.Answer;

/**
 * Workers that know secrets, and everything that leaves them: none of it holds one. A worker that
 * logs all it can, programs that print all they know, a receiver that sends back what it was sent.
 */
class SecretsTest extends WorkerTest {
  private static final String TOKEN = "canary-token-b71e";
  private static final String OLDER_TOKEN = "canary-older-02ff";
  private static final String COURSE_TOKEN = "canary-course-77aa";
  private static final String IN_ADDRESS = "canary-query-3f09";
  private static final String WRONG_PASSWORD = "canary-wrong-1d2c";
  private static final String OLDER_SIGNING = "canary-signing-66b0";

  /** No token of ours, and in the downloader's environment all the same. */
  private static final String NOT_PASSED = "canary-other-90ee";

  private static final String DEBUG =
      """
      <configuration>
        <appender name="all" class="ch.qos.logback.core.ConsoleAppender">
          <encoder><pattern>%logger [%thread] %msg%n</pattern></encoder>
        </appender>
        <root level="DEBUG"><appender-ref ref="all"/></root>
      </configuration>
      """;

  private final HttpClient http = HttpClient.newHttpClient();
  private final List<String> heard = new CopyOnWriteArrayList<>();

  /** Where something was found, and what it was. */
  private final Map<String, String> found = new LinkedHashMap<>();

  private int port;
  private int looked;

  private String[] settings() throws Exception {
    return new String[] {
      "DB_PASSWORD",
      "",
      "DB_PASSWORD_FILE",
      secretFile("db", shop.environment().get("DB_PASSWORD")),
      "API_SECRET_KEY",
      "",
      "API_SECRET_KEY_FILE",
      secretFile("api", Shop.SECRET),
      "WEBHOOK_SIGNING_SECRET",
      Shop.SIGNING_SECRET + "," + OLDER_SIGNING,
      "WEBHOOK_URL",
      shop.webhook().url() + "?key=" + IN_ADDRESS,
      "WAYBILL_TOKEN",
      TOKEN + "," + OLDER_TOKEN,
      "WAYBILL_ALERT_URL",
      shop.webhook().chatUrl(),
      "WAYBILL_ALERT_DEAD",
      "1",
      "WAYBILL_WATCH_PERIOD",
      "100ms",
      "DOWNLOADER_ENV",
      "COURSE_TOKEN",
      "COURSE_TOKEN",
      COURSE_TOKEN,
      "NOT_PASSED",
      NOT_PASSED,
      "WAYBILL_RETRY_TRIES",
      "1",
      "WAYBILL_LEASE",
      "3s",
      "WAYBILL_HTTP_PORT",
      String.valueOf(port)
    };
  }

  private String secretFile(String name, String secret) throws Exception {
    Path file = directory.resolve("secrets").resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, secret + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    return file.toString();
  }

  private List<String> secrets() {
    List<String> plain =
        List.of(
            shop.environment().get("DB_PASSWORD"),
            shop.environment().get("REDIS_PASSWORD"),
            Shop.SECRET,
            Shop.SIGNING_SECRET.substring("whsec_".length()),
            OLDER_SIGNING,
            TOKEN,
            OLDER_TOKEN,
            COURSE_TOKEN,
            IN_ADDRESS,
            WRONG_PASSWORD,
            shop.webhook().chatUrl().replaceAll(".*/", ""));
    return plain.stream()
        .flatMap(
            secret ->
                Stream.of("", "x", "x:")
                    .map(
                        before ->
                            Base64.getEncoder()
                                .withoutPadding()
                                .encodeToString((before + secret).getBytes(StandardCharsets.UTF_8))
                                .substring(before.length() * 2, secret.length()))
                    .flatMap(inBase64 -> Stream.of(secret, inBase64)))
        .distinct()
        .toList();
  }

  private void look(String where, String text) {
    looked++;
    for (String secret : secrets()) {
      if (text.contains(secret)) {
        int at = text.indexOf(secret);
        found.put(where + ": " + secret, text.substring(Math.max(0, at - 60), at));
      }
    }
  }

  @Test
  void should_let_no_secret_out_whatever_happens() throws Exception {
    port = Ports.free();
    Path debug = Files.writeString(directory.resolve("debug.xml"), DEBUG);
    try (RedisClient redis = shop.newRedis()) {
      JedisPubSub ear = listen(redis);
      List<String> all = new ArrayList<>(List.of(settings()));
      all.addAll(List.of("JAVA_TOOL_OPTIONS", "-Dlogback.configurationFile=" + debug));
      LocalProcess worker = startJar(all.toArray(String[]::new));
      List<Long> tasks = succeedAndFail();
      long gated = shop.order("gated");
      until(() -> shop.downloads(gated) == 1, "a downloader runs");
      lookAtProcesses(worker, gated);
      lookAtJmx(worker);
      lookAtHttp(tasks);
      worker.signal("KILL");
      worker.awaitExit(Duration.ofSeconds(30));
      recover(gated);
      cannotStart();
      ear.unsubscribe();
    }
    lookAtCommands();
    heard.forEach(event -> look("event", event));
    lookAtFiles();
    lookAtRedis();
    lookAtTables();

    assertEquals(Map.of(), found);
    assertTrue(looked > 500, "looked at " + looked);
    assertTheyWereThere(consoles());
  }

  /** Of all workers: their numbers go on from test to test. */
  private String consoles() throws Exception {
    StringBuilder all = new StringBuilder();
    try (DirectoryStream<Path> logs = Files.newDirectoryStream(shop.directory(), "worker-*.log")) {
      for (Path log : logs) {
        all.append(Files.readString(log));
      }
    }
    return all.toString();
  }

  private JedisPubSub listen(RedisClient redis) {
    JedisPubSub ear =
        new JedisPubSub() {
          @Override
          public void onMessage(String channel, String message) {
            heard.add(message);
          }
        };
    new Thread(() -> redis.subscribe(ear, "waybill:events")).start();
    until(ear::isSubscribed, "the test listens");
    return ear;
  }

  private List<Long> succeedAndFail() throws Exception {
    long well = shop.order("ok");
    awaitState(well, "done");
    assertTrue(
        shop.webhook()
            .calls(well)
            .get(0)
            .headers()
            .get("webhook-signature")
            .matches("v1,\\S+ v1,\\S+"));
    long leaks = shop.order("leaks");
    awaitState(leaks, "dead");
    long echoed = shop.task("enrolled", Shop.url("ok"));
    String body = "{\"error\":\"wrong key\",\"secret_key\":\"" + Shop.SECRET + "\"}";
    shop.webhook().answer(echoed, new Answer(500, Map.of("X-Echo", Shop.SECRET), body));
    shop.push(echoed, Shop.url("ok"));
    awaitState(echoed, "dead");
    shop.redis()
        .lpush(Shop.INBOX, "{\"taskId\":\"" + Shop.SECRET + "\",\"email\":\"" + TOKEN + "\"}");
    until(() -> shop.redis().llen("waybill:rejected") == 1, "it is rejected");
    until(() -> !shop.webhook().chats().isEmpty(), "an alert is told");
    shop.webhook().chats().forEach(chat -> look("chat", chat));
    return List.of(well, leaks, echoed);
  }

  /** Its own command line, and all that its programs were given but the token that is named. */
  private void lookAtProcesses(LocalProcess worker, long taskId) throws Exception {
    look("command line", Files.readString(Path.of("/proc/" + worker.pid() + "/cmdline")));
    boolean given = false;
    for (ProcessHandle program : ProcessTree.in(shop.sandbox(taskId))) {
      String environment = ofProcess(program.pid(), "environ");
      look("command line", ofProcess(program.pid(), "cmdline"));
      look("environment", environment.replace("COURSE_TOKEN=" + COURSE_TOKEN, ""));
      assertFalse(environment.contains(NOT_PASSED));
      given |= environment.contains(COURSE_TOKEN);
    }
    assertTrue(given, "one of them was seen");
  }

  /** Blank if it has ended meanwhile. */
  private static String ofProcess(long pid, String what) throws Exception {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/" + what));
    } catch (IOException ended) {
      return "";
    }
  }

  /** Every attribute of every bean, all threads, all system properties. */
  private void lookAtJmx(LocalProcess worker) throws Exception {
    VirtualMachine machine = VirtualMachine.attach(String.valueOf(worker.pid()));
    String address = machine.startLocalManagementAgent();
    machine.detach();
    try (JMXConnector connector = JMXConnectorFactory.connect(new JMXServiceURL(address))) {
      MBeanServerConnection beans = connector.getMBeanServerConnection();
      for (ObjectName name : beans.queryNames(null, null)) {
        look("bean", name.toString());
        for (MBeanAttributeInfo attribute : beans.getMBeanInfo(name).getAttributes()) {
          look(name + " " + attribute.getName(), attribute(beans, name, attribute.getName()));
        }
      }
      ObjectName diagnose = new ObjectName("com.sun.management:type=DiagnosticCommand");
      String[] signature = {String[].class.getName()};
      for (String command : List.of("threadPrint", "vmSystemProperties", "vmCommandLine")) {
        Object[] none = {new String[0]};
        boolean takesNone = command.startsWith("vmS") || command.startsWith("vmC");
        look(
            command,
            (String)
                (takesNone
                    ? beans.invoke(diagnose, command, null, null)
                    : beans.invoke(diagnose, command, none, signature)));
      }
    }
  }

  private static String attribute(MBeanServerConnection beans, ObjectName name, String attribute) {
    try {
      Object value = beans.getAttribute(name, attribute);
      return value instanceof Object[] many ? Arrays.deepToString(many) : String.valueOf(value);
    } catch (Exception notReadable) {
      return String.valueOf(notReadable);
    }
  }

  private HttpResponse<String> ask(String method, String path, String token) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .method(method, HttpRequest.BodyPublishers.noBody());
    if (token != null) {
      request.header("Authorization", "Bearer " + token);
    }
    HttpResponse<String> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    look(method + " " + path, answer.headers().map() + "\n" + answer.body());
    return answer;
  }

  private void lookAtHttp(List<Long> tasks) throws Exception {
    List<String> paths =
        new ArrayList<>(
            List.of(
                "/",
                "/jobs",
                "/jobs/monitoring/report",
                "/jobs/monitoring/series",
                "/jobs/monitoring/" + Shop.INBOX,
                "/observe/health",
                "/observe/metrics",
                "/openapi.json",
                "/page/api.js",
                "/nothing?token=x"));
    tasks.forEach(taskId -> paths.addAll(List.of("/jobs/" + taskId, "/jobs/" + taskId + "/log")));
    for (String path : paths) {
      for (String token : new String[] {null, TOKEN, OLDER_TOKEN}) {
        int expected = path.startsWith("/nothing") ? 404 : 200;
        if (path.equals("/observe/health")) {
          // It says no while a look at a store is late.
          until(() -> ask("GET", path, token).statusCode() == expected, path);
        }
        assertEquals(expected, ask("GET", path, token).statusCode(), path);
      }
    }
    HttpResponse<Stream<String>> events =
        http.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/events")).build(),
            HttpResponse.BodyHandlers.ofLines());
    String pause = "/queues/" + Shop.INBOX + "/pause";
    assertEquals(401, ask("POST", pause, "wrong").statusCode());
    assertEquals(401, ask("POST", pause, TOKEN + "," + OLDER_TOKEN).statusCode());
    assertEquals(200, ask("POST", pause, TOKEN).statusCode());
    assertEquals(200, ask("POST", pause.replace("pause", "resume"), OLDER_TOKEN).statusCode());
    assertEquals(200, ask("POST", "/jobs/" + tasks.get(1) + "/retry", OLDER_TOKEN).statusCode());
    awaitState(tasks.get(1), "dead");
    try (Stream<String> lines = events.body()) {
      assertTrue(
          lines.peek(line -> look("event stream", line)).anyMatch(line -> line.contains("DEAD")));
    }
  }

  private void recover(long gated) throws Exception {
    startJar(settings());
    shop.goOn(gated);
    awaitState(gated, "done");
    assertTrue(
        shop.events().stream().anyMatch(event -> event.path("event").asText().equals("RECOVERED")));
  }

  /** With a wrong password it ends, and says why. */
  private void cannotStart() throws Exception {
    List<String> wrong = new ArrayList<>(List.of(settings()));
    wrong.addAll(
        List.of(
            "DB_PASSWORD_FILE", secretFile("wrong", WRONG_PASSWORD),
            "WAYBILL_DB_TIMEOUT", "500ms",
            "LOG_DIR", directory.resolve("logs-wrong").toString()));
    startJar(wrong.toArray(String[]::new)).awaitExit(Duration.ofSeconds(30));
    String log = Files.readString(directory.resolve("logs-wrong/worker-out.log"));
    assertTrue(log.contains("Access denied for user"), log);
  }

  private void lookAtCommands() throws Exception {
    command(0, Map.of(), "check");
    command(1, Map.of("DB_PASSWORD", WRONG_PASSWORD, "WAYBILL_DB_TIMEOUT", "500ms"), "check");
    command(0, Map.of(), "--help");
    command(0, Map.of(), "grants");
    command(0, Map.of(), "jobs", "--json");
    command(2, Map.of("DB_PASSWORD_FILE", secretFile("both", WRONG_PASSWORD)), "check");
    command(2, Map.of("WEBHOOK_SIGNING_SECRET", "whsec_" + TOKEN, "WORKER_COUNT", "0"), "check");
    command(2, Map.of("REDIS_PASSWORD_FILE", "/proc/self/environ/" + "x"), "status");
  }

  private void command(int code, Map<String, String> overrides, String... arguments) {
    Map<String, String> environment = new LinkedHashMap<>(shop.environment());
    environment.putAll(overrides);
    look(String.join(" ", arguments), CommandLine.run(environment, arguments).ended(code));
  }

  private void lookAtFiles() throws Exception {
    try (Stream<Path> files = Files.walk(shop.directory())) {
      for (Path file :
          files
              .filter(Files::isRegularFile)
              .filter(f -> !f.startsWith(shop.directory().resolve("secrets")))
              .toList()) {
        look(file.toString(), Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
  }

  private void lookAtRedis() {
    for (String key : shop.redis().keys("*")) {
      String value =
          switch (shop.redis().type(key)) {
            case "list" -> shop.redis().lrange(key, 0, -1).toString();
            case "zset" -> shop.redis().zrange(key, 0, -1).toString();
            case "hash" -> shop.redis().hgetAll(key).toString();
            case "set" -> shop.redis().smembers(key).toString();
            default -> shop.redis().get(key);
          };
      look("redis " + key, key + value);
    }
    assertTrue(shop.redis().exists("waybill:rejected"));
  }

  private void lookAtTables() throws Exception {
    try (Connection connection = shop.connect();
        Statement statement = connection.createStatement();
        ResultSet tables = connection.getMetaData().getTables(shop.schema(), null, "%", null)) {
      while (tables.next()) {
        String table = tables.getString("TABLE_NAME");
        try (ResultSet rows = statement.executeQuery("SELECT * FROM " + table)) {
          while (rows.next()) {
            StringBuilder row = new StringBuilder();
            for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
              row.append(rows.getString(i)).append('\n');
            }
            look("table " + table, row.toString());
          }
        }
      }
    }
  }

  /** Nothing was found because nothing was said: each of these would have been found. */
  private void assertTheyWereThere(String debug) throws Exception {
    assertTrue(debug.contains("\"secret_key\":\"***\""), "the webhook's bytes are in the log");
    String leaked = Files.readString(directory.resolve("logs/tasks/task-2.log"));
    for (String masked :
        List.of(
            "COURSE_TOKEN=***",
            "WAYBILL_TOKEN=***,***",
            "REDIS_PASSWORD=***",
            "in two: ***\n",
            "WEBHOOK_SIGNING_SECRET=***,***",
            "?***")) {
      assertTrue(leaked.contains(masked), masked + " in " + leaked);
    }
    assertTrue(
        leaked.matches("(?s).*\nx?[A-Za-z0-9+/]{0,4}\\*\\*\\*[A-Za-z0-9+/=]{0,4}\n.*"), leaked);
    assertTrue(shop.redis().lindex("waybill:rejected", 0).contains("***"));
    assertTrue(heard.size() > 10);
  }
}
