package torture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import servers.CutProxy;
import servers.LocalProcess;
import servers.Shop;
import servers.WorkerJar;

/** A shop on servers of its own, a proxy before each of them, and workers from the built jar. */
final class Fleet implements AutoCloseable {
  /** Of every worker; short, so that many takeovers fit into a run. */
  static final Duration LEASE = Duration.ofSeconds(3);

  private final Shop shop;
  private final Path notes;
  private final String[] settings;
  private final List<LocalProcess> workers = new ArrayList<>();
  private final Map<Long, String> users = new HashMap<>();
  final CutProxy redis;
  final CutProxy database;
  final CutProxy webhook;
  final CutProxy remote;

  /**
   * @param seed part of what the downloader brings
   * @param javaOptions of the workers
   * @param overrides settings by their environment names, in pairs
   */
  Fleet(Path directory, long seed, String javaOptions, String... overrides) throws Exception {
    shop = Shop.openAlone(directory);
    notes = Files.createDirectories(shop.directory().resolve("notes"));
    shop.script("torture-alone.sh", shop.directory().resolve("alone.sh"), Map.of());
    shop.script("torture-downloader.sh", shop.downloader(), Map.of("SEED", String.valueOf(seed)));
    shop.script("torture-rclone.sh", shop.directory().resolve("rclone.sh"), Map.of());
    redis = CutProxy.before(shop.redisServer().port());
    database = CutProxy.before(shop.database().port());
    webhook = CutProxy.before(shop.webhook().port());
    remote = CutProxy.before(shop.drive().port());
    shop.drive().reachedThrough(remote.port());
    String[] own = {
      "REDIS_PORT", String.valueOf(redis.port()),
      "DB_PORT", String.valueOf(database.port()),
      "WEBHOOK_URL", "http://127.0.0.1:" + webhook.port() + "/webhook",
      "WAYBILL_LEASE", LEASE.toSeconds() + "s",
      "WAYBILL_RECOVERY_MAX_CRASHES", "100",
      "WAYBILL_RETRY_TRIES", "8",
      "WAYBILL_RETRY_DELAY", "200ms",
      "WAYBILL_DOWNLOAD_TRIES", "6",
      "WAYBILL_DOWNLOAD_IDLE_TIMEOUT", "5s",
      "WAYBILL_DB_TIMEOUT", "2s",
      "WAYBILL_REDIS_TIMEOUT", "1s",
      "WAYBILL_WEBHOOK_TIMEOUT", "5s",
      "WAYBILL_SHUTDOWN_GRACE", "1s",
      "WAYBILL_BREAKER_PAUSE", "2s",
      "WAYBILL_BREAKER_MAX_WAIT", "20s",
      "WAYBILL_ENROLMENT_MAX_WAIT", "1d",
      "WORKER_COUNT", "4",
      "JAVA_TOOL_OPTIONS", ("-Xmx192m " + javaOptions).strip()
    };
    settings = Stream.concat(Arrays.stream(own), Arrays.stream(overrides)).toArray(String[]::new);
  }

  Shop shop() {
    return shop;
  }

  /** Where the programs of the shop write what they saw, and look for what to do. */
  Path notes() {
    return notes;
  }

  List<LocalProcess> workers() {
    return workers;
  }

  /** The database user of a worker process. */
  String userOf(long pid) {
    return users.get(pid);
  }

  LocalProcess start() throws Exception {
    String user = "w" + (users.size() + 1);
    String password = shop.environment().get("DB_PASSWORD");
    Insist.on(
        () -> {
          shop.update(
              "CREATE USER IF NOT EXISTS '" + user + "'@'%' IDENTIFIED BY '" + password + "'");
          return shop.update("GRANT ALL ON *.* TO '" + user + "'@'%'");
        });
    String[] all =
        Stream.concat(Arrays.stream(settings), Stream.of("DB_USER", user)).toArray(String[]::new);
    LocalProcess worker = WorkerJar.start(shop, all);
    users.put(worker.pid(), user);
    workers.add(worker);
    return worker;
  }

  /** As a service manager does: whoever has ended is started again. */
  void replaceTheDead() throws Exception {
    for (LocalProcess worker : List.copyOf(workers)) {
      if (!worker.isAlive()) {
        worker.close();
        workers.remove(worker);
        start();
      }
    }
  }

  void stopAll() {
    workers.forEach(LocalProcess::close);
    workers.clear();
  }

  /**
   * Every task of the shop that has not come to an end.
   *
   * @param beside whether another worker delivers too, of which the ledger knows nothing
   */
  String open(boolean beside) throws SQLException {
    String open =
        beside
            ? "t.status NOT IN ('completed', 'failed') OR j.state IN ('waiting', 'ready', 'running')"
            : "j.task_id IS NULL OR j.state NOT IN ('done', 'dead')";
    return shop.query(
        "SELECT GROUP_CONCAT(t.id, ' ', COALESCE(j.state, 'unknown'), ' ', COALESCE(j.stage, ''))"
            + " FROM download_tasks t LEFT JOIN waybill_job j ON j.task_id = t.id WHERE "
            + open);
  }

  @Override
  public void close() throws IOException {
    stopAll();
    redis.close();
    database.close();
    webhook.close();
    remote.close();
    shop.close();
  }
}
