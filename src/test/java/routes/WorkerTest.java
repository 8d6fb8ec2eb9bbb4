package routes;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import routes.monitoring.LogFiles;
import routes.monitoring.Redactor;
import routes.settings.Settings;
import routes.settings.Sources;
import servers.LocalProcess;
import servers.Shop;
import servers.WorkerJar;

/**
 * A shop and workers in this JVM, for tests of what a worker does. Nothing of the worker is
 * replaced.
 */
abstract class WorkerTest {
  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path directory;

  Shop shop;
  private final List<WorkerProcess> workers = new ArrayList<>();
  private final List<LocalProcess> jars = new ArrayList<>();
  private AutoCloseable logs;

  @BeforeEach
  void openShop() throws Exception {
    shop = newShop();
  }

  /** Overridden by tests that stop its servers. */
  Shop newShop() throws Exception {
    return Shop.open(directory);
  }

  /**
   * @param overrides settings by their environment names, in pairs
   */
  WorkerProcess startWorker(String... overrides) throws Exception {
    WorkerProcess worker = newWorker(overrides);
    worker.start();
    return worker;
  }

  WorkerProcess newWorker(String... overrides) throws Exception {
    Map<String, String> environment = new LinkedHashMap<>(shop.environment());
    for (int i = 0; i < overrides.length; i += 2) {
      environment.put(overrides[i], overrides[i + 1]);
    }
    Settings settings = Settings.from(Sources.read(environment, new Properties(), directory));
    if (logs == null) {
      logs = LogFiles.open(settings.logs(), Redactor.of(settings, environment));
    }
    WorkerProcess worker = new WorkerProcess(settings, environment, Clock.systemUTC());
    workers.add(worker);
    return worker;
  }

  /** A worker in a process of its own, from the built jar. */
  LocalProcess startJar(String... overrides) throws Exception {
    return adopt(WorkerJar.start(shop, overrides));
  }

  /** Ends with the test. */
  LocalProcess adopt(LocalProcess jar) {
    jars.add(jar);
    return jar;
  }

  String log() throws IOException {
    // At midnight another one begins.
    try (Stream<Path> files = Files.list(shop.logs())) {
      StringBuilder all = new StringBuilder();
      for (Path file :
          files.filter(each -> each.getFileName().toString().startsWith("worker-out")).toList()) {
        all.append(Files.readString(file));
      }
      return all.toString();
    }
  }

  void awaitState(long taskId, String state) {
    until(() -> state.equals(shop.ledger("state", taskId)), "task " + taskId + " is " + state);
  }

  void awaitEvent(long taskId, String event) {
    until(() -> shop.eventNames(taskId).contains(event), event + " of task " + taskId);
  }

  /** Under a worker that tries once: downloaded, on this host's disk, and dead. */
  long diesAtItsUpload() throws Exception {
    shop.breakRclone("move", "exit-7");
    long taskId = shop.order("ok");
    awaitState(taskId, "dead");
    return taskId;
  }

  static void until(Callable<Boolean> condition, String what) {
    await(what)
        .atMost(Shop.PATIENCE)
        .pollInterval(java.time.Duration.ofMillis(20))
        .ignoreExceptions()
        .until(condition);
  }

  @AfterEach
  void closeShop() throws Exception {
    for (WorkerProcess worker : workers) {
      worker.stop();
    }
    jars.forEach(LocalProcess::close);
    if (logs != null) {
      logs.close();
    }
    shop.close();
  }
}
