package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import routes.command.ProcessTree;
import servers.Ports;
import servers.WorkerJar;

/**
 * {@code ./waybill start}, {@code stop} and {@code status}, for those without a service manager.
 */
class StartStopTest extends WorkerTest {
  private static final Path SCRIPT = Path.of("waybill").toAbsolutePath();

  private Path pidFile;
  private Path out;
  private Path err;

  @BeforeEach
  void prepare() {
    pidFile = directory.resolve("waybill.pid").toAbsolutePath();
    out = directory.resolve("out");
    err = directory.resolve("err");
  }

  @AfterEach
  void end() throws Exception {
    if (Files.exists(pidFile)) {
      waybill("stop");
    }
  }

  private Process begin(Map<String, String> environment, String... arguments) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(SCRIPT.toString());
    builder.command().addAll(List.of(arguments));
    builder.environment().clear();
    builder.environment().putAll(environment);
    builder.environment().put("WAYBILL_PID_FILE", pidFile.toString());
    return builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
  }

  private int waybillWith(String[] overrides, String... arguments) throws Exception {
    Process process = begin(WorkerJar.environment(shop, overrides), arguments);
    boolean over = process.waitFor(90, TimeUnit.SECONDS);
    // It would keep its lock, and the worker would work for the tests that come next.
    process.destroyForcibly();
    assertTrue(over, said());
    return process.exitValue();
  }

  private int waybill(String... arguments) throws Exception {
    return waybillWith(new String[0], arguments);
  }

  private String said() throws Exception {
    return Files.readString(out) + Files.readString(err);
  }

  private ProcessHandle started() throws Exception {
    return ProcessHandle.of(Long.parseLong(Files.readString(pidFile).strip())).orElseThrow();
  }

  private long alive() throws Exception {
    return Long.parseLong(shop.query("SELECT COUNT(*) FROM waybill_worker WHERE gone_at IS NULL"));
  }

  @Test
  void should_start_one_worker_and_leave_nothing_when_it_is_stopped() throws Exception {
    assertEquals(0, waybillWith(new String[] {"WAYBILL_SHUTDOWN_GRACE", "1s"}, "start"), said());
    ProcessHandle worker = started();
    long taskId = shop.order("gated");
    until(() -> shop.downloads(taskId) == 1, "the downloader runs");

    assertEquals(1, waybill("start"));
    assertTrue(said().contains("it runs already: process " + worker.pid()), said());
    assertEquals(worker.pid(), started().pid());
    assertEquals(1, alive());
    assertEquals(0, waybill("status"));
    assertTrue(
        Files.readString(err).startsWith("process    " + worker.pid() + ", started here"), said());
    assertEquals(0, waybill("status", "--json"));
    assertEquals(1, new ObjectMapper().readTree(out.toFile()).path("workers").size(), said());

    assertEquals(0, waybill("stop"), said());

    assertTrue(said().contains("Process " + worker.pid() + " has stopped"), said());
    assertFalse(ProcessTree.runs(worker));
    assertFalse(Files.exists(pidFile));
    assertEquals(List.of(), ProcessTree.in(shop.sandbox(taskId)));
    assertEquals("ready", shop.ledger("state", taskId));
    assertEquals(0, alive());
    assertEquals(0, waybill("stop"));
    assertTrue(said().contains("None runs"), said());
  }

  @Test
  void should_wait_until_its_http_side_says_that_it_is_ready() throws Exception {
    int port = Ports.free();

    assertEquals(
        0, waybillWith(new String[] {"WAYBILL_HTTP_PORT", String.valueOf(port)}, "start"), said());

    assertTrue(said().contains("is ready"), said());
  }

  @Test
  void should_start_in_place_of_one_that_was_killed() throws Exception {
    assertEquals(0, waybillWith(new String[] {"WAYBILL_LEASE", "3s"}, "start"), said());
    ProcessHandle killed = started();
    long taskId = shop.order("gated");
    until(() -> shop.downloads(taskId) == 1, "the downloader runs");
    killed.destroyForcibly();
    until(() -> !ProcessTree.runs(killed), "it is gone");

    assertEquals(0, waybillWith(new String[] {"WAYBILL_LEASE", "3s"}, "start"), said());

    assertTrue(said().contains("is gone, or not Waybill"), said());
    assertNotEquals(killed.pid(), started().pid());
    until(() -> shop.downloads(taskId) == 2, "the job runs again");
    shop.goOn(taskId);
    awaitState(taskId, "done");
  }

  @Test
  void should_never_end_a_stranger_that_has_the_number_now() throws Exception {
    Process stranger = new ProcessBuilder("sleep", "1000").start();
    try {
      Files.writeString(pidFile, stranger.pid() + "\n");

      assertEquals(0, waybill("stop"));

      assertTrue(said().contains("None runs"), said());
      assertTrue(stranger.isAlive());
      Files.writeString(pidFile, stranger.pid() + "\n");
      assertEquals(0, waybill("start"), said());
      assertNotEquals(stranger.pid(), started().pid());
      assertTrue(stranger.isAlive());
    } finally {
      stranger.destroyForcibly();
    }
  }

  @Test
  void should_wait_for_nobody_while_another_start_is_under_way() throws Exception {
    Process other =
        new ProcessBuilder("flock", pidFile + ".lock", "sh", "-c", "echo held; exec sleep 1000")
            .start();
    try {
      assertEquals("held", other.inputReader().readLine());

      assertEquals(1, waybill("start"));

      assertTrue(said().contains("another start or stop is under way"), said());
      assertFalse(Files.exists(pidFile));
    } finally {
      other.descendants().forEach(ProcessHandle::destroyForcibly);
      other.destroyForcibly();
    }
    until(() -> waybill("start") == 0, "the lock is free, however its holder ended");
  }

  @Test
  void should_say_why_it_could_not_start() throws Exception {
    assertEquals(2, waybillWith(new String[] {"WORKER_COUNT", "none"}, "start"));

    assertTrue(said().contains("waybill.workers: expected a whole number"), said());
    assertTrue(said().contains("it has ended with exit code 2"), said());
    assertFalse(Files.exists(pidFile));
  }

  @Test
  void should_say_what_it_waits_for() throws Exception {
    assertEquals(
        3,
        waybillWith(
            new String[] {
              "REDIS_PORT", "1", "WAYBILL_REDIS_TIMEOUT", "200ms", "WAYBILL_START_WAIT", "30"
            },
            "start"));

    assertTrue(said().contains("is not ready after 30 s"), said());
    assertTrue(said().contains("Waiting for Redis at 127.0.0.1:1"), said());
    assertEquals(0, waybill("stop"), said());
  }

  @Test
  void should_kill_nothing_when_a_stop_takes_too_long() throws Exception {
    assertEquals(0, waybill("start"), said());
    ProcessHandle frozen = started();
    new ProcessBuilder("kill", "-STOP", String.valueOf(frozen.pid())).start().waitFor();
    try {
      assertEquals(
          1,
          waybillWith(
              new String[] {"WAYBILL_SHUTDOWN_GRACE", "0s", "WAYBILL_KILL_GRACE", "0s"}, "stop"));

      assertTrue(said().contains("still runs, 15 s after TERM. Nothing was killed."), said());
      assertTrue(frozen.isAlive());
    } finally {
      new ProcessBuilder("kill", "-CONT", String.valueOf(frozen.pid())).start().waitFor();
    }
    until(() -> !ProcessTree.runs(frozen), "it stops");
  }
}
