package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import redis.clients.jedis.AbstractTransaction;
import servers.LocalProcess;
import servers.NodePeer;
import servers.RedisServer;
import servers.Shop;
import servers.WebhookReceiver.Answer;

/** A shop that calls the real {@code queue.add}, and watches its queue with BullMQ's own tools. */
@Tag("node")
class BullmqTest extends WorkerTest {
  static final List<String> PACKAGES = NodePeer.PACKAGES;
  private static final Map<String, Object> NO_OPTIONS = Map.of();

  private NodePeer peer;

  @AfterEach
  void endPeer() {
    if (peer != null) {
      peer.close();
    }
  }

  private void openQueue(String name) throws Exception {
    peer = NodePeer.start(name, shop.redisServer(), "bull", "downloads", directory);
    peer.ask("events");
  }

  private WorkerProcess startBullWorker(String... overrides) throws Exception {
    return startWorker(withQueue(overrides));
  }

  private static String[] withQueue(String... overrides) {
    List<String> all = new ArrayList<>(List.of(overrides));
    all.addAll(List.of("WAYBILL_QUEUE_SOURCE", "list,bullmq"));
    all.addAll(List.of("WAYBILL_BULLMQ_STALLED_INTERVAL", "1s"));
    return all.toArray(String[]::new);
  }

  private String add(long taskId, String conduct, Map<String, Object> options) {
    return peer.ask("add", "download", data(taskId, conduct), options).textValue();
  }

  private static Map<String, Object> data(long taskId, String conduct) {
    return Map.of("taskId", taskId, "email", "nguyễn@example.com", "courseUrl", Shop.url(conduct));
  }

  private CompletableFuture<JsonNode> result(String jobId) {
    return peer.begin("result", jobId, 40_000);
  }

  private String failure(CompletableFuture<JsonNode> result) {
    return assertThrows(ExecutionException.class, () -> result.get(40, TimeUnit.SECONDS))
        .getCause()
        .getMessage();
  }

  private String state(String jobId) {
    return peer.ask("state", jobId).asText();
  }

  private void awaitJob(String jobId, String state) {
    until(() -> state(jobId).equals(state), "job " + jobId + " is " + state);
  }

  private void assertUntold(int jobs) throws Exception {
    assertEquals(
        String.valueOf(jobs),
        shop.query("SELECT COUNT(*) FROM waybill_bullmq WHERE told <> 'failed'"));
  }

  @ParameterizedTest
  @FieldSource("PACKAGES")
  void should_work_the_shops_own_queue(String name) throws Exception {
    openQueue(name);
    startBullWorker();
    until(() -> peer.ask("workers").size() == 1, "it is listed as a worker");
    long enrolled = shop.task("enrolled", Shop.url("half"));
    long pending = shop.task("pending", Shop.url("ok"));
    long refused = shop.task("failed", Shop.url("ok"));
    long listed = shop.order("ok");
    String first = add(enrolled, "half", Map.of("jobId", "task-" + enrolled));
    String again = add(enrolled, "half", NO_OPTIONS);
    String waits = add(pending, "ok", Map.of("attempts", 3, "priority", 2));
    String later =
        add(shop.task("enrolled", Shop.url("ok")), "ok", Map.of("delay", 300, "attempts", 2));
    String nobody = add(refused, "ok", Map.of("attempts", 3));
    String poison = peer.ask("add", "download", Map.of("taskId", "x"), NO_OPTIONS).textValue();

    awaitJob(waits, "delayed");
    awaitJob(first, "active");
    until(() -> peer.told("progress", first) > 0, "it is told how far the download is");
    assertEquals(40, peer.ask("job", first).path("progress").asInt());
    shop.goOn(enrolled);
    JsonNode value = result(first).get(40, TimeUnit.SECONDS);
    assertEquals(enrolled, value.path("taskId").asLong());
    assertEquals("Course " + enrolled, value.path("folder").asText());
    assertEquals(
        enrolled, result(again).get(40, TimeUnit.SECONDS).path("taskId").asLong(), "one task");
    result(later).get(40, TimeUnit.SECONDS);
    assertEquals(
        "status: expected 'enrolled' or one that leads to it, found 'failed'",
        failure(result(nobody)));
    assertEquals("taskId: expected an integer, found a string", failure(result(poison)));

    assertEquals("delayed", state(waits), "it still waits");
    assertEquals("delayed", shop.query("SELECT told FROM waybill_bullmq WHERE job_id = ?", waits));
    shop.setStatus(pending, "enrolled");
    shop.redis().publish("waybill:enrolled", String.valueOf(pending));
    result(waits).get(40, TimeUnit.SECONDS);
    awaitState(listed, "done");

    assertEquals("completed", shop.status(pending));
    assertEquals(1, shop.webhook().calls(enrolled).size());
    assertEquals(1, shop.downloads(enrolled));
    JsonNode counts = peer.ask("counts");
    assertEquals(4, counts.path("completed").asInt(), counts.toString());
    assertEquals(2, counts.path("failed").asInt(), counts.toString());
    assertEquals(0, counts.path("active").asInt() + counts.path("delayed").asInt());
    assertTrue(peer.ask("logs", first).path("logs").toString().contains("40%"));
    assertEquals(4, peer.ask("metrics", "completed").path("meta").path("count").asInt());
    until(
        () -> {
          assertUntold(0);
          return true;
        },
        "nothing is left to tell");
  }

  @Test
  void should_try_as_often_as_the_producer_said_and_go_on_where_it_stopped() throws Exception {
    openQueue("bullmq");
    startBullWorker("WAYBILL_RETRY_TRIES", "2");
    long passing = shop.task("enrolled", Shop.url("ok"));
    long forGood = shop.task("enrolled", Shop.url("ok"));
    // Two attempts of two tries each; the last one is good.
    shop.webhook().answer(passing, Answer.of(503), Answer.of(503), Answer.of(503));
    shop.webhook().answer(forGood, Answer.of(400));
    Map<String, Object> options =
        Map.of("attempts", 3, "backoff", Map.of("type", "fixed", "delay", 400));
    String one = add(passing, "ok", options);
    String other = add(forGood, "ok", options);

    result(one).get(40, TimeUnit.SECONDS);
    assertEquals(4, shop.webhook().calls(passing).size());
    assertEquals(1, shop.downloads(passing), "the stage alone is tried again");
    assertEquals(2, peer.ask("job", one).path("attemptsMade").asInt());
    assertEquals(1, peer.told("delayed", one));
    assertEquals("completed", shop.status(passing));

    failure(result(other));
    assertEquals(1, shop.webhook().calls(forGood).size(), "a final failure leaves no attempt");
    assertEquals("dead", shop.ledger("state", forGood));
    JsonNode failed = peer.ask("job", other);
    assertTrue(failed.path("failedReason").asText().contains("400"), failed.toString());
    assertTrue(failed.path("stacktrace").toString().contains("post-webhook"), failed.toString());
  }

  @Test
  void should_go_on_from_the_failed_stage_when_somebody_clicks_on_retry() throws Exception {
    openQueue("bullmq");
    startBullWorker("WAYBILL_RETRY_TRIES", "1");
    long taskId = shop.task("enrolled", Shop.url("ok"));
    shop.webhook().answer(taskId, Answer.of(400));
    String jobId = add(taskId, "ok", NO_OPTIONS);
    awaitJob(jobId, "failed");
    peer.ask("retry", jobId);
    awaitJob(jobId, "completed");

    assertEquals(1, shop.downloads(taskId));
    assertEquals(2, shop.webhook().calls(taskId).size());
    assertEquals("completed", shop.status(taskId));
  }

  @Test
  void should_be_active_again_when_an_operator_sets_it_going() throws Exception {
    openQueue("bullmq5");
    WorkerProcess worker = startBullWorker("WAYBILL_RETRY_TRIES", "1");
    long taskId = shop.task("enrolled", Shop.url("ok"));
    shop.webhook().answer(taskId, Answer.of(400));
    String jobId = add(taskId, "ok", NO_OPTIONS);
    awaitJob(jobId, "failed");
    until(
        () -> "failed".equals(shop.query("SELECT told FROM waybill_bullmq")), "and it is written");

    worker.parts().desk().retry(taskId, null, "a test");

    awaitJob(jobId, "completed");
    assertEquals(1, shop.downloads(taskId));
    assertEquals(2, shop.webhook().calls(taskId).size());
  }

  @Test
  void should_share_the_queue_with_a_worker_in_node() throws Exception {
    openQueue("bullmq");
    startBullWorker();
    startBullWorker();
    peer.ask("worker", Map.of("concurrency", 5));
    until(() -> peer.ask("workers").size() == 3, "one for each process");
    Map<Long, String> jobs = new LinkedHashMap<>();
    List<Map<String, Object>> bulk = new ArrayList<>();
    List<Long> tasks = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      tasks.add(shop.task("enrolled", Shop.url("ok")));
      Map<String, Object> data = new LinkedHashMap<>(data(tasks.get(i), "ok"));
      data.put("ms", 200);
      bulk.add(Map.of("name", "download", "data", data, "opts", NO_OPTIONS));
    }
    JsonNode ids = peer.ask("addBulk", bulk);
    for (int i = 0; i < tasks.size(); i++) {
      jobs.put(tasks.get(i), ids.get(i).textValue());
    }
    until(() -> peer.ask("counts").path("completed").asInt() == 60, "all have ended");
    Set<String> theirs = new HashSet<>();
    peer.events().stream()
        .filter(event -> event.path("event").asText().equals("worked"))
        .forEach(
            event -> assertTrue(theirs.add(event.path("args").path("jobId").asText()), "twice"));
    int ours = 0;
    for (Map.Entry<Long, String> job : jobs.entrySet()) {
      int calls = shop.webhook().calls(job.getKey()).size();
      assertEquals(theirs.contains(job.getValue()) ? 0 : 1, calls, "task " + job.getKey());
      ours += calls;
    }
    assertEquals(60, ours + theirs.size());
    assertTrue(ours > 0 && !theirs.isEmpty(), ours + " here");
  }

  @Test
  void should_deliver_once_though_its_worker_is_killed() throws Exception {
    openQueue("bullmq");
    String[] settings =
        withQueue(
            "WAYBILL_LEASE", "3s",
            "WAYBILL_BULLMQ_LOCK_RENEW_TIME", "300ms");
    LocalProcess first = startJar(settings);
    long taskId = shop.task("enrolled", Shop.url("gated"));
    String jobId = add(taskId, "gated", NO_OPTIONS);
    until(() -> shop.downloads(taskId) == 1, "it downloads");
    first.signal("KILL");
    shop.redis().del("bull:downloads:" + jobId + ":lock");
    startJar(settings);
    until(() -> shop.downloads(taskId) == 2, "its successor goes on");
    until(() -> shop.redis().exists("bull:downloads:" + jobId + ":lock"), "the lock is held again");
    shop.goOn(taskId);
    assertEquals(taskId, result(jobId).get(40, TimeUnit.SECONDS).path("taskId").asLong());
    assertEquals(1, shop.webhook().calls(taskId).size());
    assertEquals(0, peer.ask("job", jobId).path("stalledCounter").asInt());
  }

  @Test
  void should_push_by_hand_where_there_is_no_other_queue() throws Exception {
    startWorker("WAYBILL_QUEUE_SOURCE", "bullmq");
    Map<String, String> environment = shop.environment();
    environment.put("WAYBILL_QUEUE_SOURCE", "bullmq");
    long taskId = shop.task("enrolled", Shop.url("ok"));
    String[] push = {"push", String.valueOf(taskId), "nguyễn@example.com", Shop.url("ok")};

    String printed = CommandLine.run(environment, push).ended(0);

    assertEquals("task " + taskId + " is job 1 of the BullMQ queue\n", printed);
    until(() -> shop.redis().zscore("bull:downloads:completed", "1") != null, "it is completed");
    assertEquals("done", shop.ledger("state", taskId));
  }

  @Test
  void should_drop_a_job_that_another_worker_has() throws Exception {
    openQueue("bullmq");
    startBullWorker("WAYBILL_BULLMQ_LOCK_RENEW_TIME", "200ms");
    long taskId = shop.task("enrolled", Shop.url("gated"));
    String jobId = add(taskId, "gated", NO_OPTIONS);
    until(() -> shop.downloads(taskId) == 1, "it downloads");
    shop.redis().set("bull:downloads:" + jobId + ":lock", "somebody-elses");

    awaitState(taskId, "cancelled");
    long ended = shop.task("enrolled", Shop.url("gated"));
    String endedJob = add(ended, "gated", NO_OPTIONS);
    until(() -> shop.downloads(ended) == 1, "it downloads");
    try (AbstractTransaction other = shop.redis().multi()) {
      other.del("bull:downloads:" + endedJob + ":lock");
      other.lrem("bull:downloads:active", 1, endedJob);
      other.zadd("bull:downloads:completed", System.currentTimeMillis(), endedJob);
      other.exec();
    }
    awaitState(ended, "cancelled");
    until(
        () -> shop.query("SELECT COUNT(*) FROM waybill_bullmq").equals("0"), "they are forgotten");
    shop.goOn(ended);
    shop.goOn(taskId);
    long next = shop.order("ok");
    awaitState(next, "done");
    assertEquals("enrolled", shop.status(taskId), "its row is the other worker's");
    assertEquals(0, shop.webhook().calls(taskId).size() + shop.webhook().calls(ended).size());
    assertEquals("active", state(jobId));
    assertEquals("somebody-elses", shop.redis().get("bull:downloads:" + jobId + ":lock"));
  }

  @Test
  void should_leave_to_another_worker_what_it_has_completed_and_removed() throws Exception {
    openQueue("bullmq");
    WorkerProcess worker = startBullWorker("WAYBILL_SHUTDOWN_GRACE", "100ms");
    Map<Long, String> jobs = new LinkedHashMap<>();
    for (int i = 0; i < 3; i++) {
      long taskId = shop.task("enrolled", Shop.url("gated"));
      jobs.put(taskId, add(taskId, "gated", Map.of("removeOnComplete", true)));
    }
    List<Long> tasks = List.copyOf(jobs.keySet());
    for (long taskId : tasks) {
      until(() -> shop.downloads(taskId) == 1, "all download");
    }
    worker.stop();
    // Longer than a lock: all of them are free.
    jobs.values().forEach(id -> shop.redis().del(key(id + ":lock")));
    String removed = jobs.get(tasks.get(2));
    shop.redis().lrem(key("active"), 1, removed);
    shop.redis().del(key(removed));
    peer.ask("worker", Map.of("stalledInterval", 300));
    until(() -> !shop.redis().exists(key(jobs.get(tasks.get(0)))), "completed, removed");
    until(() -> !shop.redis().exists(key(jobs.get(tasks.get(1)))), "and the other");
    // Of the second one only the shop's row tells.
    shop.redis().xrange(key("events"), "-", "+").stream()
        .filter(entry -> jobs.get(tasks.get(1)).equals(entry.getFields().get("jobId")))
        .forEach(entry -> shop.redis().xdel(key("events"), entry.getID()));
    shop.setStatus(tasks.get(1), "completed");
    for (long taskId : tasks) {
      shop.goOn(taskId);
    }

    startBullWorker();

    awaitState(tasks.get(2), "done");
    assertEquals("cancelled", shop.ledger("state", tasks.get(0)));
    assertEquals("cancelled", shop.ledger("state", tasks.get(1)));
    assertEquals(1, shop.downloads(tasks.get(0)), "it has not run again");
    assertEquals(1, shop.downloads(tasks.get(1)), "nor has this one");
    assertEquals("enrolled", shop.status(tasks.get(0)), "its row is the other worker's");
    assertEquals(0, shop.webhook().calls(tasks.get(0)).size());
    assertEquals(0, shop.webhook().calls(tasks.get(1)).size());
    assertEquals(1, shop.webhook().calls(tasks.get(2)).size(), "this one nobody has worked on");
    until(() -> "0".equals(shop.query("SELECT COUNT(*) FROM waybill_bullmq")), "all are forgotten");
  }

  private static Map<String, Object> child(long taskId, String conduct) {
    return Map.of(
        "name",
        "download",
        "queueName",
        "downloads",
        "data",
        data(taskId, conduct),
        "opts",
        Map.of("failParentOnFailure", true));
  }

  private static Map<String, Object> parent(List<Map<String, Object>> children) {
    return Map.of(
        "name",
        "order",
        "queueName",
        "orders",
        "data",
        Map.of("collect", true),
        "children",
        children);
  }

  @ParameterizedTest
  @FieldSource("PACKAGES")
  void should_let_a_flow_go_on_when_its_children_are_delivered(String name) throws Exception {
    openQueue(name);
    startBullWorker("WAYBILL_RETRY_TRIES", "1");
    try (NodePeer orders = NodePeer.start(name, shop.redisServer(), "bull", "orders", directory)) {
      orders.ask("events");
      orders.ask("worker", NO_OPTIONS);
      long one = shop.task("enrolled", Shop.url("ok"));
      long other = shop.task("enrolled", Shop.url("gated"));
      long refused = shop.task("enrolled", Shop.url("ok"));
      shop.webhook().answer(refused, Answer.of(400));
      JsonNode good = peer.ask("flow", parent(List.of(child(one, "ok"), child(other, "gated"))));
      JsonNode bad = peer.ask("flow", parent(List.of(child(refused, "ok"))));

      CompletableFuture<JsonNode> failed = orders.begin("result", bad.path("id").asText(), 40_000);
      String why = failure(failed);
      String failedChild = bad.path("children").get(0).path("id").asText();
      assertEquals("child bull:downloads:" + failedChild + " failed", why);
      assertEquals("dead", shop.ledger("state", refused));

      String order = good.path("id").asText();
      awaitJob(good.path("children").get(0).path("id").asText(), "completed");
      until(() -> shop.downloads(other) == 1, "the other one downloads");
      assertEquals("waiting-children", orders.ask("state", order).asText());
      shop.goOn(other);
      JsonNode values = orders.begin("result", order, 40_000).get(40, TimeUnit.SECONDS);

      Map<Long, String> folders = new LinkedHashMap<>();
      values.forEach(v -> folders.put(v.path("taskId").asLong(), v.path("folder").asText()));
      assertEquals(Map.of(one, "Course " + one, other, "Course " + other), folders);
      assertEquals(1, orders.told("active", order), "only when both were delivered");
    }
  }

  @Test
  void should_start_no_more_jobs_in_a_window_than_its_limiter_says() throws Exception {
    openQueue("bullmq");
    startBullWorker("WAYBILL_BULLMQ_LIMITER_MAX", "3", "WAYBILL_BULLMQ_LIMITER_DURATION", "400ms");
    List<Map<String, Object>> bulk = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      Map<String, Object> data = data(shop.task("enrolled", Shop.url("ok")), "ok");
      bulk.add(Map.of("name", "download", "data", data, "opts", NO_OPTIONS));
    }
    JsonNode ids = peer.ask("addBulk", bulk);
    until(() -> peer.ask("counts").path("completed").asInt() == 12, "all have ended");

    // By the clock of Redis, which is the limiter's too; a script does not run in no time.
    Map<String, Long> startOf = new LinkedHashMap<>();
    shop.redis().xrange(key("events"), "-", "+").stream()
        .filter(entry -> entry.getFields().get("event").equals("active"))
        .forEach(entry -> startOf.put(entry.getFields().get("jobId"), entry.getID().getTime()));
    List<Long> starts = List.copyOf(startOf.values());
    assertEquals(12, starts.size());
    for (int i = 3; i < 12; i += 3) {
      long window = starts.get(i) - starts.get(i - 3);
      assertTrue(window >= 350, "the next after " + window + " ms: " + starts);
    }
    for (int i = 0; i < 12; i++) {
      String id = ids.get(i).textValue();
      long off = peer.ask("job", id).path("processedOn").asLong() - startOf.get(id);
      assertTrue(Math.abs(off) < 350, "job " + id + " is off its start by " + off + " ms");
    }
  }

  @Test
  void should_go_on_after_a_stop_as_if_there_had_been_none() throws Exception {
    openQueue("bullmq");
    String[] settings = {
      "WORKER_COUNT", "1",
      "WAYBILL_SHUTDOWN_GRACE", "100ms",
      "WAYBILL_BULLMQ_LOCK_DURATION", "10m"
    };
    WorkerProcess worker = startBullWorker(settings);
    long begun = shop.task("enrolled", Shop.url("gated"));
    long pending = shop.task("pending", Shop.url("ok"));
    Map<Long, String> jobs = new LinkedHashMap<>();
    jobs.put(begun, add(begun, "gated", NO_OPTIONS));
    until(() -> shop.downloads(begun) == 1, "it downloads");
    jobs.put(pending, add(pending, "ok", NO_OPTIONS));
    for (int i = 0; i < 3; i++) {
      long taskId = shop.task("enrolled", Shop.url("ok"));
      jobs.put(taskId, add(taskId, "ok", NO_OPTIONS));
    }
    awaitJob(jobs.get(pending), "delayed");
    until(() -> peer.ask("counts").path("active").asInt() == 4, "three more are in hand");

    worker.stop();
    // Nobody looks after them now, but their locks.
    peer.ask("worker", Map.of("stalledInterval", 100));
    long late = shop.task("enrolled", Shop.url("ok"));
    String theirs = add(late, "ok", NO_OPTIONS);
    result(theirs).get(40, TimeUnit.SECONDS);
    assertEquals(4, peer.ask("counts").path("active").asInt(), "no other worker takes them");
    shop.goOn(begun);
    shop.setStatus(pending, "enrolled");
    startBullWorker(settings);

    for (Map.Entry<Long, String> job : jobs.entrySet()) {
      awaitJob(job.getValue(), "completed");
      assertEquals(1, shop.webhook().calls(job.getKey()).size());
      JsonNode ended = peer.ask("job", job.getValue());
      assertEquals(0, ended.path("stalledCounter").asInt(), ended.toString());
      assertEquals(job.getKey() == pending ? 2 : 1, ended.path("attemptsStarted").asInt());
      assertEquals(1, ended.path("attemptsMade").asInt());
    }
    assertEquals(0, shop.webhook().calls(late).size());
  }

  @Test
  void should_keep_the_lock_of_what_still_runs_while_it_stops() throws Exception {
    openQueue("bullmq");
    WorkerProcess worker =
        startBullWorker(
            "WAYBILL_BULLMQ_LOCK_DURATION", "2s", "WAYBILL_BULLMQ_LOCK_RENEW_TIME", "300ms");
    long taskId = shop.task("enrolled", Shop.url("gated"));
    String jobId = add(taskId, "gated", NO_OPTIONS);
    until(() -> shop.downloads(taskId) == 1, "it downloads");
    CompletableFuture<Void> stopped = CompletableFuture.runAsync(worker::stop);
    until(() -> worker.parts().flights().stopping(), "it stops");

    RedisServer.awaitPutOff(shop.redis(), key(jobId + ":lock"), 4);

    shop.goOn(taskId);
    stopped.get(40, TimeUnit.SECONDS);
    startBullWorker();
    awaitJob(jobId, "completed");
    assertEquals(1, shop.downloads(taskId));
    assertEquals(1, shop.webhook().calls(taskId).size());
  }

  @Test
  void should_not_begin_what_is_enrolled_while_its_queue_is_paused() throws Exception {
    openQueue("bullmq");
    startBullWorker("WAYBILL_ENROLMENT_POLL", "200ms");
    long held = shop.task("pending", Shop.url("ok"));
    String jobId = add(held, "ok", NO_OPTIONS);
    awaitJob(jobId, "delayed");
    until(
        () -> "delayed".equals(shop.query("SELECT told FROM waybill_bullmq")), "and it is written");
    peer.ask("pause");

    shop.setStatus(held, "enrolled");
    shop.redis().publish("waybill:enrolled", String.valueOf(held));
    // Of a list, and looked at after the other one: by the message, and by the tick.
    for (boolean woken : List.of(true, false)) {
      long goes = shop.task("pending", Shop.url("ok"));
      shop.push(goes, Shop.url("ok"));
      awaitState(goes, "waiting");
      shop.setStatus(goes, "enrolled");
      if (woken) {
        shop.redis().publish("waybill:enrolled", String.valueOf(goes));
      }
      awaitState(goes, "done");
    }
    assertEquals("waiting", shop.ledger("state", held));
    assertEquals("delayed", state(jobId));

    peer.ask("resume");
    awaitJob(jobId, "completed");
  }

  private static String key(String name) {
    return "bull:downloads:" + name;
  }
}
