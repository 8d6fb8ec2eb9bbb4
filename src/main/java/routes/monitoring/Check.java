package routes.monitoring;

import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.clients.jedis.UnifiedJedis;
import routes.command.CageCheck;
import routes.command.Environment;
import routes.command.Programs;
import routes.ledger.Schema;
import routes.queue.Redis;
import routes.settings.Cage;
import routes.settings.Fault;
import routes.settings.Settings;

/**
 * {@code waybill.jar check}: whether everything a worker needs is there, a line each. Changes
 * nothing.
 */
public final class Check {
  /** BLMOVE came with this. Source: Redis' documentation of the command. */
  private static final String LEAST_REDIS = "6.2";

  private static final int RCLONE_SECONDS = 30;
  private static final long LOOK_MILLIS = 100;

  private final Settings settings;
  private final Map<String, String> environment;
  private final Redactor redactor;

  public Check(Settings settings, Map<String, String> environment) {
    this.settings = settings;
    this.environment = environment;
    this.redactor = Redactor.of(settings, environment);
  }

  /**
   * @return whether all is well
   */
  public boolean run(PrintWriter out) {
    boolean well = line(out, "settings", () -> "read, no fault");
    settings.warnings().forEach(warning -> out.println("warn  settings   " + warning));
    well &= line(out, "redis", this::redis);
    well &= line(out, "database", this::database);
    well &= line(out, "remote", this::remote);
    well &= line(out, "downloader", this::downloader);
    Cage cage = settings.download().cage();
    if (!cage.isOpen()) {
      well &= line(out, "cage", this::cage);
    }
    well &= line(out, "disk", this::disk);
    return well;
  }

  private boolean line(PrintWriter out, String what, Callable<String> check) {
    try {
      out.println("ok    %-10s %s".formatted(what, check.call()));
      return true;
    } catch (Exception e) {
      String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      out.println("FAIL  %-10s %s".formatted(what, shown(reason)));
      return false;
    }
  }

  private String shown(String reason) {
    return Visible.line(redactor.clean(reason.lines().findFirst().orElse("")));
  }

  private String redis() {
    try (UnifiedJedis redis = Redis.client(settings)) {
      Matcher version =
          Pattern.compile("redis_version:(\\d+\\.\\d+)[^\\r\\n]*").matcher(redis.info("server"));
      String found = version.find() ? version.group(1) : "0.0";
      if (number(found) < number(LEAST_REDIS)) {
        throw new IllegalStateException(
            settings.redis() + ": expected Redis " + LEAST_REDIS + " or newer, found " + found);
      }
      return settings.redis() + ", version " + found;
    }
  }

  private String database() throws Exception {
    try (HikariDataSource pool = Schema.pool(settings);
        Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      try (ResultSet rows =
          statement.executeQuery(
              "SELECT id, order_id, email, course_url, status, error_log, updated_at"
                  + " FROM download_tasks LIMIT 0")) {
        rows.next();
      }
      String product = connection.getMetaData().getDatabaseProductName();
      try (ResultSet version = statement.executeQuery("SELECT VERSION()")) {
        version.next();
        return settings.database() + ", " + product + " " + version.getString(1);
      }
    }
  }

  String remote() throws IOException, InterruptedException {
    return remote(() -> false);
  }

  /**
   * @param stop ends the wait for its answer
   */
  String remote(BooleanSupplier stop) throws IOException, InterruptedException {
    Settings.Upload upload = settings.upload();
    List<String> line = new ArrayList<>(List.of(upload.program()));
    upload.config().ifPresent(file -> line.addAll(List.of("--config", file.toString())));
    line.addAll(List.of("lsf", "--max-depth", "1", "--retries", "1", "--", upload.remote() + ":"));
    ProcessBuilder builder = new ProcessBuilder(line);
    builder.environment().clear();
    builder.environment().putAll(Environment.forRclone(environment));
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    Process rclone = builder.start();
    try {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(RCLONE_SECONDS);
      while (!rclone.waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
        if (stop.getAsBoolean()) {
          throw new IOException(upload.remote() + ": not waited for");
        }
        if (System.nanoTime() > deadline) {
          throw new IOException(upload.remote() + ": no answer within " + RCLONE_SECONDS + " s");
        }
      }
    } finally {
      rclone.descendants().forEach(ProcessHandle::destroyForcibly);
      rclone.destroyForcibly();
    }
    if (rclone.exitValue() != 0) {
      throw new IOException(
          upload.remote() + ": rclone lsf ended with exit code " + rclone.exitValue());
    }
    return upload.target("<folder>");
  }

  String downloader() throws IOException {
    return Programs.find(settings.download().program(), environment.getOrDefault("PATH", ""))
        .toString();
  }

  private String cage() throws IOException {
    List<Fault> faults = CageCheck.faults(settings, environment);
    if (!faults.isEmpty()) {
      throw new IOException(faults.get(0).toString());
    }
    return settings.download().cage().toString();
  }

  private String disk() throws IOException {
    String names = System.getProperty("sun.jnu.encoding");
    if (!names.equals("UTF-8")) {
      throw new IOException("file names are read as " + names + ": start with LC_ALL=C.UTF-8");
    }
    Path staging = settings.download().staging();
    Files.createDirectories(staging);
    Path probe = Files.createTempFile(staging, ".check", null);
    Files.delete(probe);
    FileStore store = Files.getFileStore(staging);
    return staging + ", " + (store.getUsableSpace() >> 20) + " MiB free";
  }

  private static int number(String version) {
    String[] parts = version.split("\\.");
    return Integer.parseInt(parts[0]) * 1000 + Integer.parseInt(parts[1]);
  }
}
