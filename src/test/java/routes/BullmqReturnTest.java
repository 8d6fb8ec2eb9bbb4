package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.zaxxer.hikari.HikariDataSource;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.AbstractTransaction;
import redis.clients.jedis.Protocol;
import routes.bullmq.BullQueue;
import routes.bullmq.NewJob;
import routes.ledger.Schema;
import servers.Shop;

/** BullMQ jobs that come back, and what the shop and others have done meanwhile. */
class BullmqReturnTest extends WorkerTest {
  private static final String USER = "limited";
  private static final String FAILED_ROW =
      "status: expected 'enrolled' or one that leads to it, found 'failed'";
  private static final ObjectMapper JSON = new ObjectMapper();

  private BullQueue queue;

  @BeforeEach
  void openQueue() {
    queue = new BullQueue(shop.redis(), "bull", "downloads", Clock.systemUTC());
  }

  /** The server is that of the other tests too. */
  @AfterEach
  void forgetTheUser() {
    shop.redis().sendCommand(Protocol.Command.ACL, "DELUSER", USER);
  }

  private void start(String... overrides) throws Exception {
    List<String> all = new ArrayList<>(List.of(overrides));
    all.addAll(
        List.of(
            "WAYBILL_QUEUE_SOURCE", "bullmq",
            "WAYBILL_RETRY_TRIES", "1",
            "WAYBILL_BREAKER_FAILURES", "10000",
            "WAYBILL_ENROLMENT_MAX_WAIT", "1s",
            "WAYBILL_BULLMQ_DRAIN_DELAY", "100ms"));
    startWorker(all.toArray(String[]::new));
  }

  private static String key(String name) {
    return "bull:downloads:" + name;
  }

  /** Its second attempt is good, and comes when the test says so. */
  private long failsOnce(String... jobIds) throws Exception {
    long taskId = shop.task("enrolled", Shop.url("fails-once"));
    for (String jobId : jobIds) {
      add(taskId, jobId);
    }
    return taskId;
  }

  private void add(long taskId, String jobId) {
    ObjectNode hour = JSON.createObjectNode().put("type", "fixed").put("delay", 3_600_000);
    queue.add(
        "download",
        Shop.payload(taskId, Shop.url("fails-once")),
        new NewJob(jobId, Duration.ZERO, 3, hour, 0, false, null, null, null));
  }

  /** All at once, as one click on "promote all" or "retry all" has it. */
  private void comeBack(String... jobIds) {
    try (AbstractTransaction click = shop.redis().multi()) {
      for (String jobId : jobIds) {
        click.zrem(key("delayed"), jobId);
        click.zrem(key("failed"), jobId);
        click.lpush(key("wait"), jobId);
      }
      click.zadd(key("marker"), 0, "0");
      click.exec();
    }
  }

  private void awaitJob(String jobId, String state) {
    until(() -> shop.redis().zscore(key(state), jobId) != null, "job " + jobId + " is " + state);
  }

  private String reason(String jobId) {
    return shop.redis().hget(key(jobId), "failedReason");
  }

  @Test
  void should_leave_the_last_word_to_the_shop_when_a_job_comes_back() throws Exception {
    long asItWas = failsOnce("twice", "twice-too");
    long refunded = failsOnce("refunded", "refunded-too");
    long gone = failsOnce("gone");
    long moved = failsOnce("moved");
    long otherBuyer = failsOnce("other-buyer");
    long late = failsOnce("late");
    long elsewhere = failsOnce("elsewhere");
    String[] all = {
      "twice",
      "twice-too",
      "refunded",
      "refunded-too",
      "gone",
      "moved",
      "other-buyer",
      "late",
      "elsewhere"
    };
    // All in one batch: of two about one task, the second must not come after the first has failed.
    start();
    for (String jobId : all) {
      awaitJob(jobId, "delayed");
    }
    for (long taskId : List.of(asItWas, refunded, gone, moved, otherBuyer, late, elsewhere)) {
      assertEquals("failed", shop.status(taskId));
    }
    shop.setStatus(refunded, "refunded");
    shop.update("DELETE FROM download_tasks WHERE id = ?", gone);
    shop.update("UPDATE download_tasks SET course_url = ? WHERE id = ?", Shop.url("other"), moved);
    shop.redis()
        .hset(
            key("other-buyer"),
            "data",
            Shop.payload(otherBuyer, Shop.url("fails-once")).replace("nguyễn", "another"));
    shop.setStatus(late, "pending");
    shop.setStatus(elsewhere, "completed");

    comeBack(all);
    add(elsewhere, "elsewhere-too");

    for (String jobId : List.of("twice", "twice-too", "elsewhere", "elsewhere-too")) {
      awaitJob(jobId, "completed");
    }
    assertEquals("completed", shop.status(asItWas));
    assertEquals(2, shop.downloads(asItWas));
    assertEquals(1, shop.webhook().calls(asItWas).size(), "one task");
    assertEquals("dead", shop.ledger("state", elsewhere), "its end is another worker's");
    for (String jobId : List.of("refunded", "refunded-too", "gone", "moved", "other-buyer")) {
      awaitJob(jobId, "failed");
    }
    assertEquals("unexpected status 'refunded'", reason("refunded"));
    // By the first one's refusal the row says 'failed' too.
    assertEquals("unexpected status 'refunded'", reason("refunded-too"));
    assertEquals("taskId: expected a row of download_tasks, found none: not found", reason("gone"));
    assertEquals(FAILED_ROW, reason("moved"));
    assertEquals(FAILED_ROW, reason("other-buyer"));

    awaitJob("late", "failed");
    assertTrue(reason("late").contains("the status is still 'pending'"), reason("late"));
    until(
        () ->
            shop.query("SELECT GROUP_CONCAT(job_id, ' ', told) FROM waybill_bullmq")
                .equals("late failed"),
        "nothing else may come back");
    comeBack("late", "refunded");
    until(() -> FAILED_ROW.equals(reason("late")), "a click does not enrol it");
    until(() -> shop.redis().lrange("waybill:rejected", 0, -1).size() == 7, "nor this one");
    for (long taskId : List.of(refunded, moved, otherBuyer, late)) {
      assertEquals("failed", shop.status(taskId));
      assertEquals("dead", shop.ledger("state", taskId));
      assertEquals(1, shop.downloads(taskId));
    }
  }

  /** By its name, or because Redis does not let it. */
  @Test
  void should_go_on_with_the_others_when_a_job_cannot_be_entered_or_refused() throws Exception {
    String password = "limited-5f0a";
    String words = "reset on >" + password + " ~bull:downloads:* ~waybill:* ~rq:* &* +@all";
    shop.redis().sendCommand(Protocol.Command.ACL, ("SETUSER " + USER + " " + words).split(" "));
    String longest = "j".repeat(191);
    String tooLong = longest + "j";
    long refused = failsOnce(tooLong);
    long held = failsOnce(longest);
    long delivered = shop.task("completed", Shop.url("fails-once"));
    add(delivered, "delivered");
    queue.add("download", "no JSON", NewJob.named("poison"));
    for (String child : List.of("delivered", "poison")) {
      shop.redis()
          .hset(
              key(child),
              Map.of(
                  "parentKey",
                  "bull:orders:order",
                  "parent",
                  "{\"id\":\"order\",\"queueKey\":\"bull:orders\"}"));
    }
    long beside = failsOnce("beside");

    start("REDIS_USERNAME", USER, "REDIS_PASSWORD", password);

    awaitJob("beside", "delayed");
    awaitJob(longest, "delayed");
    awaitJob(tooLong, "failed");
    assertEquals("jobId: expected at most 191 characters, found 192", reason(tooLong));
    assertEquals("failed", shop.status(refused));
    assertEquals(0, shop.downloads(refused));
    assertEquals("dead", shop.ledger("state", held));
    assertEquals("dead", shop.ledger("state", beside));
    assertEquals(2, shop.redis().llen("waybill:rejected"), "each once");
    List<String> active = shop.redis().lrange(key("active"), 0, -1);
    assertEquals(List.of("delivered", "poison"), active.stream().sorted().toList());
  }

  @Test
  void should_work_on_what_only_our_own_processes_have_let_stall() throws Exception {
    long lost = shop.task("enrolled", Shop.url("ok"));
    long theirs = shop.task("enrolled", Shop.url("ok"));
    long child = shop.task("enrolled", Shop.url("ok"));
    queue.add("download", Shop.payload(lost, Shop.url("ok")), NewJob.named("lost"));
    queue.take(dead("waybill"), 1);
    queue.add("download", Shop.payload(theirs, Shop.url("ok")), NewJob.named("theirs"));
    queue.take(dead("another"), 1);
    Set<String> stalled = new HashSet<>();
    until(
        () -> {
          stalled.addAll(queue.freeStalled(Duration.ofMillis(1), 0));
          return stalled.equals(Set.of("lost", "theirs"));
        },
        "both have stalled too often");
    queue.add("download", Shop.payload(child, Shop.url("ok")), NewJob.named("child"));
    shop.redis().hset(key("child"), Map.of("pb", "waybill", "defa", "a child has failed"));

    start();

    awaitJob("lost", "completed");
    awaitJob("theirs", "failed");
    awaitJob("child", "failed");
    assertEquals("job stalled more than allowable limit", reason("theirs"));
    assertEquals("a child has failed", reason("child"));
    assertEquals(1, shop.webhook().calls(lost).size());
    assertEquals(0, shop.downloads(theirs));
    assertNull(shop.redis().hget(key("lost"), "stc"), "it does not count against the job");
  }

  @Test
  void should_not_give_back_what_may_be_entered_already() throws Exception {
    WorkerProcess worker = startWorker("WAYBILL_QUEUE_SOURCE", "bullmq", "WAYBILL_LEASE", "3s");
    long done = shop.task("enrolled", Shop.url("ok"));
    queue.add("download", Shop.payload(done, Shop.url("ok")), NewJob.named("first"));
    awaitJob("first", "completed");
    worker.parts().holds().pause("downloads");
    long fresh = shop.task("enrolled", Shop.url("ok"));
    queue.add("download", Shop.payload(fresh, Shop.url("ok")), NewJob.named("fresh"));
    queue.add("download", Shop.payload(done, Shop.url("ok")), NewJob.named("again"));
    // What comes after the commit fails, and no lease can be renewed.
    shop.update(
        "CREATE TRIGGER away BEFORE INSERT ON waybill_bullmq FOR EACH ROW"
            + " IF NEW.job_id = 'again' THEN SIGNAL SQLSTATE '08000'; END IF");
    shop.update(
        "CREATE TRIGGER mute BEFORE UPDATE ON waybill_worker FOR EACH ROW SIGNAL SQLSTATE '08000'");
    worker.parts().holds().resume("downloads");
    until(() -> shop.ledger("state", fresh) != null, "it is entered");

    until(() -> !worker.parts().lease().isValid(), "the lease is over");
    long tries = failedDeliveries();
    until(() -> failedDeliveries() >= tries + 2, "it is tried again");

    assertEquals(
        List.of("again", "fresh"),
        shop.redis().lrange(key("active"), 0, -1).stream().sorted().toList());
    shop.update("DROP TRIGGER away");
    shop.update("DROP TRIGGER mute");
    awaitJob("fresh", "completed");
    awaitJob("again", "completed");
  }

  private long failedDeliveries() throws Exception {
    return log().lines().filter(line -> line.contains("Failed delivery")).count();
  }

  /** A worker whose locks are over at once. */
  private static BullQueue.Worker dead(String name) {
    return new BullQueue.Worker("dead", Duration.ofMillis(1), name, 0, Duration.ZERO);
  }

  /** As after an outage of the database that lasts longer than the locks. */
  @Test
  void should_enter_no_job_that_another_worker_has_taken_while_the_ledger_was_away()
      throws Exception {
    try (HikariDataSource database = Schema.pool(newWorker().parts().settings())) {
      Schema.migrate(database);
    }
    shop.update(
        "CREATE TRIGGER away BEFORE INSERT ON waybill_bullmq FOR EACH ROW SIGNAL SQLSTATE '08000'");
    long theirs = shop.task("enrolled", Shop.url("ok"));
    long ours = shop.task("enrolled", Shop.url("ok"));
    queue.add("download", Shop.payload(theirs, Shop.url("ok")), NewJob.named("theirs"));
    queue.add("download", Shop.payload(ours, Shop.url("ok")), NewJob.named("ours"));
    start();
    until(() -> log().contains("The database cannot be reached"), "it cannot be entered");

    assertEquals("0", shop.query("SELECT COUNT(*) FROM waybill_job"), "all of it or nothing");
    assertEquals(2, shop.redis().llen(key("active")));
    shop.redis().set(key("theirs:lock"), "another");
    shop.redis().del(key("ours:lock"));
    shop.update("DROP TRIGGER away");

    awaitState(ours, "done");
    awaitJob("ours", "completed");
    assertEquals("1", shop.query("SELECT COUNT(*) FROM waybill_job"));
    assertEquals(List.of("theirs"), shop.redis().lrange(key("active"), 0, -1));
    assertEquals(0, shop.downloads(theirs));
  }
}
