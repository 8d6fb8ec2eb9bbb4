package servers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.springframework.util.FileSystemUtils;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import routes.command.ProcessTree;

/**
 * A shop with everything a worker needs, on real servers: its table, its queue, its webhook, its
 * drive.
 */
public final class Shop implements AutoCloseable {
  public static final String SECRET = "shared-secret-7f3a";
  public static final String SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  public static final String HOST = "courses.example.com";
  public static final String INBOX = "rq:queue:downloads";
  public static final String VIP_INBOX = "rq:queue:downloads:vip";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String DB_PASSWORD = "db-password-91c4";
  private static final String REDIS_PASSWORD = "redis-password-5e2b";

  private final Path directory;
  private final RedisServer redisServer;
  private final MariaDbServer database;
  private final DriveServer drive;
  private final boolean ownServers;
  private final WebhookReceiver webhook;
  private final RedisClient redis;
  private final String schema;

  private static final Duration OLD = Duration.ofHours(1);
  private static final Path RUNS = Path.of("target", "run");
  private static final String RUN = "shared-" + ProcessHandle.current().pid() + "-";

  private static final class Shared {
    static final RedisServer REDIS;
    static final MariaDbServer DATABASE;

    static {
      try {
        removeOldRuns();
        // Not by the pid alone: those come again.
        Path home = Files.createTempDirectory(RUNS, RUN);
        REDIS = RedisServer.start(home.resolve("redis"), REDIS_PASSWORD, true);
        DATABASE = MariaDbServer.start(home.resolve("mariadb"), DB_PASSWORD);
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** What JVMs that are no more have left: a database each. */
  private static void removeOldRuns() throws IOException {
    Pattern name = Pattern.compile("shared-(\\d+).*");
    try (Stream<Path> runs = Files.list(Files.createDirectories(RUNS))) {
      for (Path run : runs.toList()) {
        Matcher pid = name.matcher(run.getFileName().toString());
        // As a file, which may be missing: another JVM may be removing it too.
        File directory = run.toFile();
        boolean old = directory.lastModified() < Instant.now().minus(OLD).toEpochMilli();
        if (old && pid.matches() && ProcessHandle.of(Long.parseLong(pid.group(1))).isEmpty()) {
          FileSystemUtils.deleteRecursively(directory);
        }
      }
    }
  }

  private static int opened;

  private Shop(Path directory, RedisServer redisServer, MariaDbServer database, boolean ownServers)
      throws IOException, SQLException {
    this.directory = directory.toAbsolutePath();
    this.redisServer = redisServer;
    this.database = database;
    this.ownServers = ownServers;
    this.schema = "shop_" + ProcessHandle.current().pid() + "_" + ++opened;
    Files.createDirectories(staging());
    database.createShop(schema);
    drive = DriveServer.start(this.directory.resolve("drive"));
    webhook = WebhookReceiver.start(SECRET, SIGNING_SECRET);
    redis = newRedis();
    redis.flushAll();
    script("downloader.sh", downloader(), Map.of());
    script("rclone.sh", rclone(), Map.of());
  }

  /** A new shop on the servers that all tests of this JVM share. */
  public static Shop open(Path directory) throws IOException, SQLException {
    return new Shop(directory, Shared.REDIS, Shared.DATABASE, false);
  }

  /** A new shop with servers of its own. */
  public static Shop openAlone(Path directory) throws IOException, SQLException {
    return new Shop(
        directory,
        RedisServer.start(directory.resolve("redis"), REDIS_PASSWORD, true),
        MariaDbServer.start(directory.resolve("mariadb"), DB_PASSWORD),
        true);
  }

  /**
   * Writes a program into the shop's directory.
   *
   * @param values what stands for {@code @NAME@}, beside RCLONE and DIR
   */
  public void script(String resource, Path to, Map<String, String> values) throws IOException {
    try (InputStream in = Shop.class.getResourceAsStream("/" + resource)) {
      String text =
          new String(in.readAllBytes(), StandardCharsets.UTF_8)
              .replace("@RCLONE@", DriveServer.rclone())
              .replace("@DIR@", directory.toString());
      for (Map.Entry<String, String> value : values.entrySet()) {
        text = text.replace("@" + value.getKey() + "@", value.getValue());
      }
      Files.writeString(to, text);
      Files.setPosixFilePermissions(to, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
  }

  /** Settings of a worker for this shop, by their environment names. */
  public Map<String, String> environment() {
    Map<String, String> env = new LinkedHashMap<>();
    env.put("PATH", System.getenv("PATH"));
    env.put("HOME", directory.toString());
    env.put("LC_ALL", "C.UTF-8");
    env.put("REDIS_HOST", "127.0.0.1");
    env.put("REDIS_PORT", String.valueOf(redisServer.port()));
    env.put("REDIS_PASSWORD", REDIS_PASSWORD);
    env.put("DB_HOST", "127.0.0.1");
    env.put("DB_PORT", String.valueOf(database.port()));
    env.put("DB_USER", MariaDbServer.USER);
    env.put("DB_PASSWORD", DB_PASSWORD);
    env.put("DB_NAME", schema);
    env.put("WAYBILL_DB_SSL_MODE", "DISABLED");
    env.put("WEBHOOK_URL", webhook.url());
    env.put("API_SECRET_KEY", SECRET);
    env.put("WEBHOOK_SIGNING_SECRET", SIGNING_SECRET);
    env.put("DOWNLOADER", downloader().toString());
    env.put("ALLOWED_HOSTS", HOST + ",127.0.0.1");
    env.put("RCLONE", rclone().toString());
    env.put("RCLONE_CONFIG", drive.config().toString());
    env.put("RCLONE_REMOTE", "drive");
    env.put("RCLONE_DEST", "deliveries");
    env.put("STAGING_DIR", staging().toString());
    env.put("LOG_DIR", logs().toString());
    env.put("WAYBILL_HTTP_PORT", "0");
    env.put("WAYBILL_RETRY_DELAY", "50ms");
    env.put("WAYBILL_ENROLMENT_POLL", "100ms");
    env.put("WAYBILL_KILL_GRACE", "500ms");
    return env;
  }

  public static String url(String conduct) {
    return "https://" + HOST + "/course/" + conduct + "/";
  }

  /**
   * @return id of the new row
   */
  public long task(String status, String courseUrl) throws SQLException {
    try (Connection connection = connect();
        PreparedStatement insert =
            connection.prepareStatement(
                "INSERT INTO download_tasks (order_id, email, course_url, status) VALUES (?, ?, ?, ?)",
                java.sql.Statement.RETURN_GENERATED_KEYS)) {
      insert.setLong(1, 5000 + System.nanoTime() % 100000);
      insert.setString(2, "nguyễn@example.com");
      insert.setString(3, courseUrl);
      insert.setString(4, status);
      insert.executeUpdate();
      try (ResultSet keys = insert.getGeneratedKeys()) {
        keys.next();
        return keys.getLong(1);
      }
    }
  }

  public void push(long taskId, String courseUrl) {
    redis.lpush(INBOX, payload(taskId, courseUrl));
  }

  public void pushVip(long taskId, String courseUrl) {
    redis.lpush(VIP_INBOX, payload(taskId, courseUrl));
  }

  public static String payload(long taskId, String courseUrl) {
    return JSON.createObjectNode()
        .put("taskId", taskId)
        .put("email", "nguyễn@example.com")
        .put("courseUrl", courseUrl)
        .toString();
  }

  /** A row that is enrolled, and its job in the queue. */
  public long order(String conduct) throws SQLException {
    long taskId = task("enrolled", url(conduct));
    push(taskId, url(conduct));
    return taskId;
  }

  public void setStatus(long taskId, String status) throws SQLException {
    update("UPDATE download_tasks SET status = ? WHERE id = ?", status, taskId);
  }

  public String status(long taskId) throws SQLException {
    return query("SELECT status FROM download_tasks WHERE id = ?", taskId);
  }

  public String errorLog(long taskId) throws SQLException {
    return query("SELECT error_log FROM download_tasks WHERE id = ?", taskId);
  }

  /** A column of the task's row in the ledger; null if there is none. */
  public String ledger(String column, long taskId) throws SQLException {
    return query("SELECT " + column + " FROM waybill_job WHERE task_id = ?", taskId);
  }

  public String query(String sql, Object... values) throws SQLException {
    try (Connection connection = connect();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      try (ResultSet rows = statement.executeQuery()) {
        return rows.next() ? rows.getString(1) : null;
      }
    }
  }

  public int update(String sql, Object... values) throws SQLException {
    try (Connection connection = connect();
        PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      return statement.executeUpdate();
    }
  }

  public Connection connect() throws SQLException {
    return database.connect(schema);
  }

  /** The lifecycle log's lines about a task, in order. */
  public List<JsonNode> events(long taskId) throws IOException {
    List<JsonNode> events = new ArrayList<>();
    for (JsonNode event : events()) {
      if (event.path("taskId").asLong() == taskId) {
        events.add(event);
      }
    }
    return events;
  }

  public List<String> eventNames(long taskId) throws IOException {
    return events(taskId).stream().map(event -> event.path("event").asText()).toList();
  }

  public List<JsonNode> events() throws IOException {
    List<JsonNode> events = new ArrayList<>();
    if (!Files.isDirectory(logs())) {
      return events;
    }
    try (Stream<Path> files = Files.list(logs())) {
      for (Path file :
          files
              .filter(f -> f.getFileName().toString().startsWith("lifecycle-"))
              .sorted()
              .toList()) {
        for (String line : Files.readAllLines(file)) {
          events.add(JSON.readTree(line));
        }
      }
    }
    return events;
  }

  /** How often the downloader was started for a task. */
  public int downloads(long taskId) throws IOException {
    Path runs = staging().resolve("downloads-" + taskId);
    return Files.exists(runs) ? Files.readAllLines(runs).size() : 0;
  }

  /** How often rclone was started with this verb ({@code move}, {@code list}) for a folder. */
  public int rcloneRuns(String verb, String folder) throws IOException {
    Path runs = directory.resolve("rclone-" + verb);
    return Files.exists(runs)
        ? (int)
            Files.readAllLines(runs).stream().filter(line -> line.endsWith("/" + folder)).count()
        : 0;
  }

  /** The next runs of rclone with this verb break: {@code exit-5}, {@code half}, {@code gated}. */
  public void breakRclone(String verb, String... how) throws IOException {
    Files.writeString(directory.resolve("break-" + verb), String.join("\n", how) + "\n");
  }

  public void goOn(String what) throws IOException {
    Files.writeString(directory.resolve("go-" + what), "");
  }

  public void goOn(long taskId) throws IOException {
    Files.writeString(staging().resolve("go-" + taskId), "");
  }

  /** Everything under a directory: path and content. */
  public static Map<String, String> tree(Path root) throws IOException {
    Map<String, String> tree = new TreeMap<>();
    if (!Files.exists(root)) {
      return tree;
    }
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        tree.put(root.relativize(file).toString(), Files.readString(file));
      }
    }
    return tree;
  }

  /** What has arrived at the remote under the default destination. */
  public Map<String, String> delivered() throws IOException {
    return tree(drive.content().resolve("deliveries"));
  }

  /** What the tests' downloader delivers for a task in the ordinary case. */
  public static Map<String, String> expected(long taskId) {
    return Map.of(
        "Course " + taskId + "/a.txt", "first of " + taskId + "\n",
        "Course " + taskId + "/part/b.txt", "second of " + taskId + "\n");
  }

  public Set<String> waybillKeys() {
    return new TreeSet<>(redis.keys("waybill:*"));
  }

  public Path sandbox(long taskId) {
    return staging().resolve("Task_" + taskId);
  }

  public String taskLog(long taskId) throws IOException {
    return Files.readString(logs().resolve("tasks").resolve("task-" + taskId + ".log"));
  }

  public Path directory() {
    return directory;
  }

  public Path staging() {
    return directory.resolve("staging");
  }

  public Path logs() {
    return directory.resolve("logs");
  }

  public Path downloader() {
    return directory.resolve("downloader.sh");
  }

  private Path rclone() {
    return directory.resolve("rclone.sh");
  }

  public RedisClient redis() {
    return redis;
  }

  public RedisClient newRedis() {
    ConnectionPoolConfig pool = new ConnectionPoolConfig();
    // Tests restart the server.
    pool.setTestOnBorrow(true);
    pool.setJmxEnabled(false);
    return RedisClient.builder()
        .poolConfig(pool)
        .hostAndPort(new HostAndPort("127.0.0.1", redisServer.port()))
        // A disk that stalls stops the server; a killed one answers at once.
        .clientConfig(
            DefaultJedisClientConfig.builder()
                .password(REDIS_PASSWORD)
                .timeoutMillis((int) PATIENCE.toMillis())
                .build())
        .build();
  }

  public RedisServer redisServer() {
    return redisServer;
  }

  public MariaDbServer database() {
    return database;
  }

  public DriveServer drive() {
    return drive;
  }

  public WebhookReceiver webhook() {
    return webhook;
  }

  public String schema() {
    return schema;
  }

  /** Longest wait of a test for something that should be there in a moment. */
  public static final Duration PATIENCE = Duration.ofSeconds(60);

  /** A worker that was killed leaves its programs to its successor; here nobody comes after. */
  private void endProgramsLeftBehind() {
    String ours = staging().toAbsolutePath() + "/";
    ProcessTree.end(() -> ProcessTree.marked(mark -> mark.startsWith(ours)), Duration.ZERO);
  }

  @Override
  public void close() {
    endProgramsLeftBehind();
    redis.close();
    webhook.close();
    drive.close();
    if (ownServers) {
      redisServer.close();
      database.close();
    }
  }
}
