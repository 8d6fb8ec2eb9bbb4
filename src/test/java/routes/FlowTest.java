package routes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import routes.queue.ClaimOrder;
import routes.queue.RedisKeys;
import servers.RedisWatch;
import servers.Shop;
import servers.WebhookReceiver.Answer;

/** Who goes first, how many at once, how fast, what is held back and what is not done twice. */
class FlowTest extends WorkerTest {
  private static final Pattern COUNTED =
      Pattern.compile("lua] \"ZADD\" \"" + RedisKeys.STARTS + "\" \"(\\d+)\"");

  private long orderVip(String conduct) throws Exception {
    long taskId = shop.task("enrolled", Shop.url(conduct));
    shop.pushVip(taskId, Shop.url(conduct));
    return taskId;
  }

  private void awaitHold(long taskId, String hold) {
    until(
        () ->
            hold.equals(shop.ledger("hold", taskId))
                && "ready".equals(shop.ledger("state", taskId)),
        "task " + taskId + " waits for " + hold);
  }

  private String steer(String... arguments) {
    return CommandLine.run(shop.environment(), arguments).printed().strip();
  }

  @Test
  void should_start_nothing_of_a_paused_queue_even_after_a_restart() throws Exception {
    WorkerProcess worker = startWorker();
    worker.parts().holds().pause(Shop.INBOX);
    long taskId = shop.order("ok");
    long vip = orderVip("ok");
    awaitState(vip, "done");
    awaitState(taskId, "ready");
    worker.stop();

    WorkerProcess second = startWorker();
    long another = orderVip("ok");
    awaitState(another, "done");
    assertTrue(second.parts().ledger().claim(taskId, second.parts().lease().worker()).isEmpty());
    assertEquals(0, shop.downloads(taskId));

    second.parts().holds().resume(Shop.INBOX);
    awaitState(taskId, "done");
  }

  @Test
  void should_not_forget_others_behind_a_paused_queue_that_is_full() throws Exception {
    WorkerProcess worker = startWorker();
    worker.parts().holds().pause(Shop.INBOX);
    worker.parts().holds().pause(Shop.VIP_INBOX);
    shop.update(
        "INSERT INTO waybill_job (task_id, email, course_url, course_key, payload, state, stage, delivery_id,"
            + " received_at, updated_at) SELECT seq + 900000, 'x@example.com', 'https://x.example/', SHA2('x', 256),"
            + " '{}', 'ready', 'enrolled', UUID(), UTC_TIMESTAMP(6) - INTERVAL 1 HOUR,"
            + " UTC_TIMESTAMP(6) - INTERVAL 1 HOUR FROM seq_1_to_1001");
    long vip = orderVip("ok");
    awaitState(vip, "ready");
    // Its ring is lost: only the sweep knows of it.
    shop.redis().del(RedisKeys.READY_VIP);

    worker.parts().holds().resume(Shop.VIP_INBOX);

    awaitState(vip, "done");
  }

  @Test
  void should_let_a_running_job_end_when_its_queue_is_paused() throws Exception {
    WorkerProcess worker = startWorker();
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");

    worker.parts().holds().pause(Shop.INBOX);
    shop.goOn(taskId);

    awaitState(taskId, "done");
  }

  @Test
  void should_keep_a_slot_for_those_who_go_first() throws Exception {
    startWorker("WORKER_COUNT", "2", "WAYBILL_VIP_RESERVED_SLOTS", "1");
    long first = shop.order("gated");
    awaitEvent(first, "DOWNLOAD_START");
    long second = shop.order("gated");
    awaitState(second, "ready");

    long vip = orderVip("ok");

    awaitState(vip, "done");
    assertEquals("ready", shop.ledger("state", second));
    shop.goOn(first);
    shop.goOn(second);
    awaitState(second, "done");
  }

  @Test
  void should_let_one_of_the_others_go_after_so_many_vips() throws Exception {
    WorkerProcess worker = newWorker("WAYBILL_VIP_WEIGHT", "2");
    Set<String> paused = new TreeSet<>();
    AtomicBoolean may = new AtomicBoolean(true);
    ClaimOrder order =
        new ClaimOrder(
            worker.parts().settings().queue(),
            () -> worker.parts().tuning().vip(),
            paused::contains,
            may::get);
    List<String> first = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      first.add(order.sets(0)[1]);
    }

    String vip = RedisKeys.READY_VIP;
    assertEquals(List.of(vip, vip, RedisKeys.READY, vip, vip, RedisKeys.READY), first);
    paused.add(Shop.VIP_INBOX);
    assertArrayEquals(new String[] {RedisKeys.READY_DOWNLOADED, RedisKeys.READY}, order.sets(0));
    may.set(false);
    assertArrayEquals(new String[] {RedisKeys.READY_DOWNLOADED}, order.sets(0));
  }

  private static List<Long> counted(RedisWatch watch) {
    return watch.commands().stream().flatMap(FlowTest::countedStart).toList();
  }

  /** Microseconds of a start, if the command is one by which a script counts it. */
  private static Stream<Long> countedStart(String command) {
    Matcher start = COUNTED.matcher(command);
    return start.find() ? Stream.of(Long.valueOf(start.group(1))) : Stream.empty();
  }

  @Test
  void should_start_no_more_than_so_many_jobs_in_any_interval() throws Exception {
    String[] settings = {"WAYBILL_RATE_MAX", "3", "WAYBILL_RATE_INTERVAL", "2s"};
    startWorker(settings);
    startWorker(settings);
    List<Long> tasks = new ArrayList<>();
    Instant began = Instant.now();
    List<Long> counted;
    try (RedisWatch watch = RedisWatch.on(shop.redisServer(), shop.redis(), RedisKeys.STARTS)) {
      for (int i = 0; i < 9; i++) {
        tasks.add(shop.order("ok"));
      }
      tasks.forEach(taskId -> awaitState(taskId, "done"));
      until(() -> counted(watch).size() >= 9, "Redis has told of all of them");
      counted = counted(watch);
    }

    List<Instant> starts = new ArrayList<>();
    for (JsonNode event : shop.events()) {
      if (event.path("event").asText().equals("DOWNLOAD_START")) {
        starts.add(Instant.parse(event.path("at").asText()));
      }
    }
    starts.sort(null);
    assertEquals(9, starts.size());
    for (int i = 3; i < starts.size(); i++) {
      long fromBegin = Duration.between(began, starts.get(i)).toMillis();
      assertTrue(fromBegin >= 1990 * (i / 3), i + " after " + fromBegin + " ms: " + starts);
    }
    assertEquals(9, counted.size());
    for (int i = 3; i < counted.size(); i++) {
      // By Redis' own clock: a start is told later, and one later than another.
      long micros = counted.get(i) - counted.get(i - 3);
      assertTrue(micros >= 2_000_000, micros + " us between " + counted);
    }
  }

  @Test
  void should_run_no_more_than_so_many_jobs_of_one_course() throws Exception {
    startWorker("WAYBILL_LIMIT_PER_COURSE", "1");
    List<Long> tasks = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      tasks.add(shop.order("gated"));
    }
    long other = shop.order("ok");
    awaitState(other, "done");
    until(
        () ->
            "2".equals(shop.query("SELECT COUNT(*) FROM waybill_job WHERE hold = 'course'"))
                && "1"
                    .equals(shop.query("SELECT COUNT(*) FROM waybill_job WHERE state = 'running'")),
        "one runs, two wait in the ledger");

    for (long taskId : tasks) {
      shop.goOn(taskId);
    }
    tasks.forEach(taskId -> awaitState(taskId, "done"));
    for (long taskId : tasks) {
      assertEquals(1, shop.downloads(taskId));
    }
  }

  @Test
  void should_run_no_more_than_so_many_jobs_of_one_buyer() throws Exception {
    startWorker("WAYBILL_LIMIT_PER_EMAIL", "1");
    long first = shop.order("gated");
    awaitEvent(first, "DOWNLOAD_START");

    long second = shop.order("ok");

    awaitHold(second, "email");
    shop.goOn(first);
    awaitState(second, "done");
  }

  @Test
  void should_download_no_more_than_so_many_at_once() throws Exception {
    WorkerProcess worker = startWorker("WAYBILL_LIMIT_DOWNLOADS", "1", "WAYBILL_RETRY_TRIES", "1");
    long downloaded = diesAtItsUpload();
    long first = shop.order("gated");
    until(() -> shop.downloads(first) == 1, "the first runs");
    List<Long> others = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      others.add(shop.order("ok"));
    }
    for (long taskId : others) {
      awaitState(taskId, "ready");
    }

    // They hold no slot: one that has its download behind it goes on meanwhile.
    worker.parts().desk().retry(downloaded, null, "test");
    awaitState(downloaded, "done");
    assertEquals("running", shop.ledger("state", first));
    for (long taskId : others) {
      assertEquals(0, shop.downloads(taskId));
    }
    assertEquals(6, shop.redis().zcard(RedisKeys.READY), "whoever has room can hear of them");

    shop.goOn(first);

    others.forEach(taskId -> awaitState(taskId, "done"));
  }

  @Test
  void should_let_downloads_begin_while_uploads_wait_for_each_other() throws Exception {
    startWorker("WAYBILL_LIMIT_DOWNLOADS", "1", "WAYBILL_LIMIT_UPLOADS", "1");
    shop.breakRclone("move", "gated");
    List<Long> tasks = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      tasks.add(shop.order("ok"));
    }

    tasks.forEach(taskId -> awaitEvent(taskId, "DOWNLOAD_SUCCESS"));
    assertEquals("0", shop.query("SELECT COUNT(*) FROM waybill_job WHERE stage = 'uploaded'"));

    shop.goOn("move");
    tasks.forEach(taskId -> awaitState(taskId, "done"));
  }

  @Test
  void should_hold_a_stage_back_while_the_outside_is_down_and_cost_no_job_its_tries()
      throws Exception {
    WorkerProcess worker =
        startWorker(
            "WAYBILL_BREAKER_FAILURES",
            "3",
            "WAYBILL_BREAKER_PAUSE",
            "1s",
            "WAYBILL_RETRY_TRIES",
            "10");
    List<Long> tasks = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      long taskId = shop.task("enrolled", Shop.url("ok"));
      shop.webhook().answer(taskId, Collections.nCopies(50, Answer.of(503)).toArray(Answer[]::new));
      tasks.add(taskId);
    }
    for (long taskId : tasks) {
      shop.push(taskId, Shop.url("ok"));
    }
    until(
        () -> "post-webhook".equals(shop.query("SELECT name FROM waybill_hold")),
        "the webhook is held back");
    until(
        () -> worker.parts().holds().getHolds().toString().contains("failures in a row"),
        "it says why");
    until(
        () -> "0".equals(shop.query("SELECT COUNT(*) FROM waybill_job WHERE state = 'running'")),
        "no slot is held");

    for (long taskId : tasks) {
      shop.webhook().answer(taskId);
    }
    tasks.forEach(taskId -> awaitState(taskId, "done"));
    assertEquals("0", shop.query("SELECT COUNT(*) FROM waybill_hold"));
    for (long taskId : tasks) {
      assertEquals("completed", shop.status(taskId));
    }
  }

  /** Two jobs whose failures hold downloads back. */
  private List<Long> hopeless(String tries, String maxWait) throws Exception {
    startWorker(
        "WAYBILL_BREAKER_FAILURES",
        "2",
        "WAYBILL_BREAKER_PAUSE",
        "200ms",
        "WAYBILL_BREAKER_MAX_WAIT",
        maxWait,
        "WAYBILL_RETRY_TRIES",
        tries);
    return List.of(shop.order("fails-always"), shop.order("fails-always"));
  }

  private void awaitDownloadsHeld() {
    until(
        () -> "download".equals(shop.query("SELECT name FROM waybill_hold")),
        "downloads are held back");
  }

  @Test
  void should_not_let_hopeless_jobs_keep_a_stage_closed() throws Exception {
    hopeless("100", "1d");
    awaitDownloadsHeld();

    long behind = shop.order("ok");

    awaitState(behind, "done");
  }

  @Test
  void should_end_hopeless_jobs_though_they_keep_each_other_waiting() throws Exception {
    for (long taskId : hopeless("3", "1s")) {
      awaitState(taskId, "dead");
      assertEquals("3", shop.ledger("attempts", taskId));
      assertEquals("failed", shop.status(taskId));
    }
    until(
        () -> "0".equals(shop.query("SELECT COUNT(*) FROM waybill_hold")),
        "the next trouble has its own time");
  }

  @Test
  void should_count_a_try_that_fails_after_another_one_has_shown_that_it_works() throws Exception {
    List<Long> broken = hopeless("3", "1d");
    awaitDownloadsHeld();
    for (long taskId : broken) {
      shop.update("UPDATE waybill_job SET state = 'cancelled' WHERE task_id = ?", taskId);
    }
    shop.update("UPDATE waybill_hold SET until_at = UTC_TIMESTAMP(6), trial = TRUE");
    long slow = shop.order("gated-fails");
    until(() -> shop.downloads(slow) == 1, "it tries, and takes its time");
    long well = shop.order("ok");
    awaitState(well, "done");
    shop.goOn(slow);

    awaitState(slow, "dead");
    assertEquals("3", shop.ledger("attempts", slow));
    assertEquals(3, shop.downloads(slow));
  }

  @Test
  void should_count_one_jobs_failures_as_its_own() throws Exception {
    startWorker("WAYBILL_BREAKER_FAILURES", "2", "WAYBILL_RETRY_TRIES", "3");
    long broken = shop.order("fails-always");
    awaitState(broken, "dead");

    long next = shop.order("ok");

    awaitState(next, "done");
    assertEquals(3, shop.downloads(broken));
  }

  @Test
  void should_wait_for_a_quota_at_no_cost_to_the_jobs() throws Exception {
    startWorker(
        "WAYBILL_UPLOAD_QUOTA_PAUSE",
        "100ms",
        "WAYBILL_BREAKER_PAUSE",
        "100ms",
        "WAYBILL_RETRY_TRIES",
        "2");
    shop.breakRclone("move", "quota", "quota", "quota", "quota", "quota");
    long taskId = shop.order("ok");

    awaitState(taskId, "done");
    assertEquals(6, shop.rcloneRuns("move", "Course " + taskId));
  }

  @Test
  void should_hold_all_uploads_back_when_the_remote_speaks_of_a_quota() throws Exception {
    startWorker("WAYBILL_UPLOAD_QUOTA_PAUSE", "10m");
    shop.breakRclone("move", "quota");
    long first = shop.order("ok");
    awaitHold(first, "upload");

    long second = shop.order("ok");
    awaitHold(second, "upload");
    shop.update("UPDATE waybill_hold SET until_at = UTC_TIMESTAMP(6)");

    awaitState(first, "done");
    awaitState(second, "done");
    assertEquals("completed", shop.status(second));
  }

  @Test
  void should_fetch_a_course_once_for_all_its_buyers() throws Exception {
    startWorker("WAYBILL_CACHE_ENABLED", "true");
    List<Long> tasks = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      tasks.add(shop.order("ok"));
    }
    tasks.forEach(taskId -> awaitState(taskId, "done"));

    int downloads = 0;
    for (long taskId : tasks) {
      downloads += shop.downloads(taskId);
      assertEquals(1, shop.webhook().calls(taskId).size());
      assertEquals("completed", shop.status(taskId));
    }
    assertEquals(1, downloads);
    Map<String, String> there = shop.delivered();
    assertEquals(2, there.size(), there.toString());
    String folder = there.keySet().iterator().next().split("/")[0];
    assertTrue(shop.webhook().calls().stream().allMatch(call -> call.folder().equals(folder)));

    // What is gone at the remote is fetched again.
    shop.drive().delete("deliveries/" + folder + "/a.txt");
    long late = shop.order("ok");
    awaitState(late, "done");
    assertEquals(1, shop.downloads(late));
  }

  @Test
  void should_check_each_buyers_enrolment_all_the_same() throws Exception {
    startWorker("WAYBILL_CACHE_ENABLED", "true");
    long first = shop.order("ok");
    awaitState(first, "done");

    long second = shop.task("pending", Shop.url("ok"));
    shop.push(second, Shop.url("ok"));
    awaitState(second, "waiting");
    assertEquals(0, shop.webhook().calls(second).size());

    shop.setStatus(second, "enrolled");
    awaitState(second, "done");
    assertEquals(0, shop.downloads(second));
  }

  @Test
  void should_say_which_queues_there_are() throws Exception {
    assertEquals(
        "waybill: pause: expected one of [" + Shop.VIP_INBOX + ", " + Shop.INBOX + "], found 'x'",
        steer("pause", "x"));
  }
}
