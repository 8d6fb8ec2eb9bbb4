package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.RedisClient;
import routes.command.ProcessTree;
import servers.Shop;

class DownloadTest extends WorkerTest {
  private static boolean lives(Path pidFile) throws Exception {
    return ProcessHandle.of(Long.parseLong(Files.readString(pidFile).strip()))
        .map(ProcessTree::runs)
        .orElse(false);
  }

  private void assertNothingRuns(long taskId) {
    assertEquals(List.of(), ProcessTree.in(shop.sandbox(taskId)));
  }

  @ParameterizedTest
  @CsvSource({
    "nothing, found nothing",
    "two, found 2 directories",
    "file, found a file (only-a-file)",
    "empty, 'expected files in the directory it left, found none'",
    "link, /link (a link)"
  })
  void should_say_what_was_expected_of_the_sandbox_and_what_was_found(String conduct, String found)
      throws Exception {
    startWorker("WAYBILL_RETRY_TRIES", "1");
    long taskId = shop.order(conduct);

    awaitState(taskId, "dead");

    assertTrue(shop.errorLog(taskId).contains(found), shop.errorLog(taskId));
  }

  @Test
  void should_end_a_download_that_takes_too_long() throws Exception {
    startWorker("WAYBILL_DOWNLOAD_TIMEOUT", "300ms", "WAYBILL_RETRY_TRIES", "1");
    long taskId = shop.order("hangs");

    awaitState(taskId, "dead");

    assertTrue(shop.errorLog(taskId).contains("it ran for longer than 300 ms"));
    assertNothingRuns(taskId);
  }

  @Test
  void should_end_a_download_that_says_nothing_and_its_children() throws Exception {
    startWorker("WAYBILL_DOWNLOAD_IDLE_TIMEOUT", "2s", "WAYBILL_RETRY_TRIES", "1");
    long taskId = shop.order("silent");

    awaitState(taskId, "dead");

    assertTrue(shop.errorLog(taskId).contains("it printed nothing for 2 s"));
    assertFalse(lives(shop.staging().resolve("child-" + taskId)));
    assertNothingRuns(taskId);
  }

  @Test
  void should_kill_a_download_that_ignores_term() throws Exception {
    startWorker("WAYBILL_DOWNLOAD_TIMEOUT", "300ms", "WAYBILL_RETRY_TRIES", "1");
    long taskId = shop.order("ignores-term");

    awaitState(taskId, "dead");

    assertNothingRuns(taskId);
  }

  @ParameterizedTest
  @CsvSource({"forks", "forks-holding"})
  void should_leave_no_grandchild_behind(String conduct) throws Exception {
    startWorker();
    long taskId = shop.order(conduct);

    awaitState(taskId, "done");

    assertFalse(lives(shop.staging().resolve("grandchild-" + taskId)));
    assertNothingRuns(taskId);
  }

  /** A program that ends at once is not looked after: all processes would be read for each. */
  @Test
  void should_end_what_a_short_download_left_behind_and_nothing_else() throws Exception {
    WorkerProcess worker = startWorker();
    long quick = shop.order("forks-and-goes");
    long running = shop.order("gated");
    awaitState(quick, "done");
    awaitEvent(running, "DOWNLOAD_START");
    until(() -> !ProcessTree.in(shop.sandbox(running)).isEmpty(), "its downloader runs");
    assertTrue(Files.exists(shop.staging().resolve("grandchild-" + quick)), "it left somebody");

    worker.parts().strays().end();

    assertNothingRuns(quick);
    assertFalse(ProcessTree.in(shop.sandbox(running)).isEmpty());
    shop.goOn(running);
    awaitState(running, "done");
  }

  @Test
  void should_end_at_a_stop_what_a_short_download_left_behind() throws Exception {
    WorkerProcess worker = startWorker();
    long taskId = shop.order("forks-and-goes");
    awaitState(taskId, "done");

    worker.stop();

    assertNothingRuns(taskId);
  }

  /** As when a worker was killed and somebody else went on with its job. */
  @Test
  void should_end_the_programs_of_a_job_that_somebody_else_has_by_now() throws Exception {
    WorkerProcess worker = startWorker();
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    long token = Long.parseLong(shop.ledger("token", taskId));
    Process before = sleeping(taskId, token - 1);
    Process now = sleeping(taskId, token);
    Process unknown = sleeping(987654, 1);
    try {
      worker.parts().strays().end();

      assertTrue(before.waitFor(10, TimeUnit.SECONDS));
      assertTrue(now.isAlive());
      assertTrue(unknown.isAlive());
    } finally {
      List.of(before, now, unknown).forEach(Process::destroyForcibly);
      shop.goOn(taskId);
    }
    awaitState(taskId, "done");
  }

  private Process sleeping(long taskId, long token) throws Exception {
    ProcessBuilder program = new ProcessBuilder("sleep", "1000");
    program.environment().put(ProcessTree.MARK, ProcessTree.mark(shop.sandbox(taskId), token));
    return program.start();
  }

  @Test
  void should_drain_400_megabytes_and_keep_the_first_and_the_last_of_them() throws Exception {
    startWorker("WAYBILL_LOG_TASK_MAX", "2MiB");
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    long before = runtime.totalMemory() - runtime.freeMemory();
    long taskId = shop.order("floods");

    awaitState(taskId, "done");

    System.gc();
    long after = runtime.totalMemory() - runtime.freeMemory();
    Path log = shop.logs().resolve("tasks/task-" + taskId + ".log");
    assertTrue(Files.size(log) <= 2 << 20, "the log has " + Files.size(log));
    String text = Files.readString(log);
    assertTrue(text.startsWith("--- "), text.substring(0, 80));
    assertTrue(text.contains("try 1 by worker"), text.substring(0, 80));
    assertTrue(text.contains("x\nthe last line\n"), "the end is missing");
    assertTrue(text.contains("upload try 1 by worker"), "what came after it is missing");
    Matcher left = Pattern.compile("\n--- (\\d+) bytes are left out here -+\n").matcher(text);
    assertTrue(left.find());
    long printed = Long.parseLong(left.group(1)) + text.length() - left.group().length();
    assertTrue(printed > 400L << 20 && printed < 401L << 20, "accounted for: " + printed);
    assertTrue(after - before < 64L << 20, "the heap grew by " + ((after - before) >> 20) + " MiB");
  }

  @Test
  void should_give_the_downloader_a_scrubbed_environment() throws Exception {
    startWorker(
        "DOWNLOADER_ENV", "COURSE_TOKEN", "COURSE_TOKEN", "t0ken-for-courses", "OTHER", "x");
    long taskId = shop.order("prints-environment");

    awaitState(taskId, "done");

    Set<String> names = new TreeSet<>();
    for (String line : Files.readAllLines(shop.staging().resolve("environment-" + taskId))) {
      names.add(line.split("=", 2)[0]);
    }
    // What the shell adds by itself.
    names.removeAll(Set.of("PWD", "OLDPWD", "SHLVL", "_"));
    assertEquals(
        Set.of("PATH", "HOME", "LC_ALL", "TASK_ID", "COURSE_TOKEN", "WAYBILL_SANDBOX"), names);
  }

  @Test
  void should_publish_progress_and_events_as_they_happen() throws Exception {
    List<String> heard = new CopyOnWriteArrayList<>();
    JedisPubSub ear =
        new JedisPubSub() {
          @Override
          public void onMessage(String channel, String message) {
            heard.add(message);
          }
        };
    try (RedisClient redis = shop.newRedis()) {
      Thread listener = new Thread(() -> redis.subscribe(ear, "waybill:events"));
      listener.start();
      until(ear::isSubscribed, "the test listens");
      startWorker();
      long taskId = shop.order("slow");

      awaitState(taskId, "done");
      until(() -> heard.stream().anyMatch(e -> e.contains("\"CLEANUP\"")), "the last event");

      assertTrue(
          heard.stream().anyMatch(e -> e.contains("\"PROGRESS\"") && e.contains("\"percent\":")));
      assertTrue(heard.stream().anyMatch(e -> e.contains("\"DOWNLOAD_START\"")));
      assertFalse(shop.eventNames(taskId).contains("PROGRESS"), "progress is no line of the log");
      ear.unsubscribe();
      listener.join();
    }
  }

  @Test
  void should_write_the_program_s_own_output_to_the_task_s_log() throws Exception {
    startWorker();
    long taskId = shop.order("ok");

    awaitState(taskId, "done");

    String log = shop.taskLog(taskId);
    assertTrue(log.contains("download try 1 by worker"), log);
    assertTrue(log.contains("55.5%"), log);
    assertTrue(log.contains("upload try 1 by worker"), log);
    assertFalse(log.contains(Shop.SECRET));
  }

  @Test
  void should_not_fail_a_job_whose_log_cannot_be_written() throws Exception {
    Files.createDirectories(shop.logs());
    Files.writeString(shop.logs().resolve("tasks"), "a file where the directory should be");
    startWorker();
    long taskId = shop.order("ok");

    awaitState(taskId, "done");
    assertEquals(Map.copyOf(Shop.expected(taskId)), shop.delivered());
  }
}
