package bench;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import redis.clients.jedis.AbstractPipeline;
import servers.LocalProcess;
import servers.Shop;
import servers.WorkerJar;

/**
 * A shop on servers of its own, one worker from the built jar, programs that do next to nothing.
 */
final class Site implements AutoCloseable {
  static final int SLOTS = 5;
  private static final String COURSE = Shop.url("ok");

  private final Shop shop;
  private final Path fixture;
  private final LocalProcess receiver;
  private final int webhookPort;
  private final int questionsPort;
  private final HttpClient http = HttpClient.newHttpClient();
  private LocalProcess worker;

  Site(Path directory) throws Exception {
    shop = Shop.openAlone(directory);
    fixture = Files.createDirectories(shop.directory().resolve("fixture"));
    Files.writeString(fixture.resolve("lesson.txt"), "a lesson\n");
    // Lists what the fixture holds; every other run ends at once. exec'd straight where it can be.
    Path rclone = shop.directory().resolve("bench-rclone.sh");
    Files.writeString(
        rclone,
        "#!/bin/sh\nfor word in \"$@\"; do\n  if [ \"$word\" = lsjson ]; then\n"
            + "    echo '[{\"Path\":\"lesson.txt\",\"Size\":9}]'\n  fi\ndone\n");
    Files.setPosixFilePermissions(rclone, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path port = shop.directory().resolve("receiver.port");
    receiver =
        LocalProcess.start(
            "receiver",
            "KILL",
            shop.directory(),
            Map.of(),
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-Dsun.net.httpserver.nodelay=true",
                "-cp",
                classPath(),
                Receiver.class.getName(),
                port.toString()));
    Wait.until(() -> Files.exists(port), "the receiver");
    String[] ports = Files.readString(port).split(" ");
    webhookPort = Integer.parseInt(ports[0]);
    questionsPort = Integer.parseInt(ports[1]);
  }

  /** Where it is relative, it is so to this process's directory, not to the receiver's. */
  private static String classPath() {
    return Arrays.stream(System.getProperty("java.class.path").split(":"))
        .map(entry -> Path.of(entry).toAbsolutePath().toString())
        .collect(Collectors.joining(":"));
  }

  Shop shop() {
    return shop;
  }

  Path fixture() {
    return fixture;
  }

  /** What whoever works for this shop has to know, by the environment names of the settings. */
  Map<String, String> settings() {
    Map<String, String> settings = new HashMap<>(shop.environment());
    settings.put("WEBHOOK_URL", webhookUrl());
    return settings;
  }

  private String webhookUrl() {
    return "http://127.0.0.1:" + webhookPort + "/webhook";
  }

  /**
   * @param overrides settings by their environment names, in pairs
   * @return from the start of the process until it takes jobs
   */
  Duration startWorker(String... overrides) throws Exception {
    long started = System.nanoTime();
    String[] settings = {
      "WEBHOOK_URL", webhookUrl(),
      "DOWNLOADER", "/bin/cp",
      "DOWNLOADER_ARGS", "-r -S {courseUrl} " + fixture + " {sandbox}/course",
      "RCLONE", "/bin/true",
      "WAYBILL_UPLOAD_VERIFY", "none",
      "WAYBILL_ENROLMENT_POLL", "2s",
      "WAYBILL_ENROLMENT_MAX_WAIT", "1d",
      "WAYBILL_DISK_MIN_FREE", "0B",
      "WORKER_COUNT", String.valueOf(SLOTS),
      "JDK_JAVA_OPTIONS", "@" + Path.of("jvm.options").toAbsolutePath(),
      // For a profiler, say.
      "JAVA_TOOL_OPTIONS", System.getenv().getOrDefault("BENCH_JAVA", "")
    };
    worker =
        WorkerJar.start(
            shop,
            Stream.concat(Arrays.stream(settings), Arrays.stream(overrides))
                .toArray(String[]::new));
    Path log = shop.logs().resolve("worker-out.log");
    Wait.until(
        () -> {
          if (!worker.isAlive()) {
            throw new IOException("the worker ended: " + shop.directory());
          }
          return Files.exists(log) && Files.readString(log).contains(" jobs at once from ");
        },
        "the worker is ready");
    return Duration.ofNanos(System.nanoTime() - started);
  }

  void stopWorker() throws IOException {
    if (worker == null) {
      return;
    }
    worker.close();
    Files.deleteIfExists(shop.logs().resolve("worker-out.log"));
  }

  Path rclone() {
    return shop.directory().resolve("bench-rclone.sh");
  }

  /** New rows of the shop, in one go; gives their ids. */
  List<Long> tasks(int number, String status, String course) throws SQLException {
    List<Long> ids = new ArrayList<>();
    try (Connection connection = shop.connect()) {
      connection.setAutoCommit(false);
      for (int done = 0; done < number; done += 1000) {
        int rows = Math.min(1000, number - done);
        String values = "('a@example.com', ?, ?)" + ", ('a@example.com', ?, ?)".repeat(rows - 1);
        try (PreparedStatement insert =
            connection.prepareStatement(
                "INSERT INTO download_tasks (email, course_url, status) VALUES " + values,
                Statement.RETURN_GENERATED_KEYS)) {
          for (int i = 0; i < rows; i++) {
            insert.setString(2 * i + 1, course);
            insert.setString(2 * i + 2, status);
          }
          insert.executeUpdate();
          try (ResultSet keys = insert.getGeneratedKeys()) {
            while (keys.next()) {
              ids.add(keys.getLong(1));
            }
          }
        }
      }
      connection.commit();
    }
    return ids;
  }

  void push(List<Long> taskIds) {
    try (AbstractPipeline pipeline = shop.redis().pipelined()) {
      taskIds.forEach(id -> pipeline.lpush(Shop.INBOX, Shop.payload(id, COURSE)));
      pipeline.sync();
    }
  }

  void push(long taskId) {
    shop.push(taskId, COURSE);
  }

  /** Tasks that wait for an enrolment which never comes, as if they had been pushed long ago. */
  void crowd(int number) throws SQLException {
    List<Long> ids = tasks(number, "pending", COURSE);
    try (Connection connection = shop.connect();
        PreparedStatement insert =
            connection.prepareStatement(
                "INSERT INTO waybill_job (task_id, email, course_url, course_key, payload, state,"
                    + " delivery_id, wait_until, received_at, updated_at) SELECT id, email,"
                    + " course_url, SHA2(course_url, 256), '{}',"
                    + " 'waiting', UUID(), UTC_TIMESTAMP(6) + INTERVAL 1 DAY, UTC_TIMESTAMP(6),"
                    + " UTC_TIMESTAMP(6) FROM download_tasks WHERE id BETWEEN ? AND ?")) {
      insert.setLong(1, ids.get(0));
      insert.setLong(2, ids.get(ids.size() - 1));
      insert.executeUpdate();
    }
  }

  void noCrowd() throws Exception {
    shop.update(
        "DELETE t, j FROM waybill_job j JOIN download_tasks t ON t.id = j.task_id"
            + " WHERE j.state = 'waiting'");
    // What was deleted is cleared away later, and would be paid for by whatever is measured next.
    Wait.until(
        () ->
            Long.parseLong(
                    shop.query(
                        "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS"
                            + " WHERE VARIABLE_NAME = 'Innodb_history_list_length'"))
                < 1000,
        "the database has cleared it away");
  }

  private String ask(String path) throws Exception {
    return http.send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + questionsPort + path)).build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  void awaitWebhooks(int number) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(10);
    int come;
    while ((come = Integer.parseInt(ask("/await?" + number))) < number) {
      if (System.nanoTime() > deadline) {
        throw new IOException("only " + come + " of " + number + " webhooks came");
      }
    }
  }

  /** When each task's webhook came, in microseconds since the epoch; forgotten then. */
  Map<Long, Long> arrivals() throws Exception {
    Map<Long, Long> arrivals = new HashMap<>();
    for (String line : ask("/arrivals").split("\n")) {
      if (!line.isBlank()) {
        String[] words = line.split(" ");
        arrivals.put(Long.parseLong(words[0]), Long.parseLong(words[1]));
      }
    }
    return arrivals;
  }

  /**
   * Processor time that has been used so far.
   *
   * @param programs of the worker that have ended
   */
  record Cpu(Duration worker, Duration programs, Duration database, Duration redis) {
    Cpu since(Cpu before) {
      return new Cpu(
          worker.minus(before.worker),
          programs.minus(before.programs),
          database.minus(before.database),
          redis.minus(before.redis));
    }

    Cpu plus(Cpu other) {
      return new Cpu(
          worker.plus(other.worker),
          programs.plus(other.programs),
          database.plus(other.database),
          redis.plus(other.redis));
    }
  }

  Cpu cpu() throws IOException {
    return cpu(worker.pid());
  }

  /**
   * @param workerPid of whoever works for this shop
   */
  Cpu cpu(long workerPid) throws IOException {
    return new Cpu(
        cpu(workerPid, 11),
        cpu(workerPid, 13),
        cpu(shop.database().pid(), 11),
        cpu(shop.redisServer().pid(), 11));
  }

  /**
   * @param field of /proc/&lt;pid&gt;/stat after the name: 11 for a process's own time, 13 for that
   *     of its children
   */
  private static Duration cpu(long pid, int field) throws IOException {
    String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    long ticks = Long.parseLong(fields[field]) + Long.parseLong(fields[field + 1]);
    // USER_HZ is 100 on every Linux that Java runs on.
    return Duration.ofMillis(ticks * 10);
  }

  long workerRssKib() throws IOException {
    return rssKib(worker.pid());
  }

  static long rssKib(long pid) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new IOException("no VmRSS");
  }

  long statements() throws SQLException {
    try (Connection connection = shop.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SHOW GLOBAL STATUS LIKE 'Questions'")) {
      row.next();
      return row.getLong(2);
    }
  }

  long redisCommands() {
    for (String line : shop.redis().info("stats").split("\r\n")) {
      if (line.startsWith("total_commands_processed:")) {
        return Long.parseLong(line.substring(line.indexOf(':') + 1));
      }
    }
    throw new IllegalStateException("no total_commands_processed");
  }

  long workerPid() {
    return worker.pid();
  }

  @Override
  public void close() {
    if (worker != null) {
      worker.close();
    }
    receiver.close();
    shop.close();
  }
}
