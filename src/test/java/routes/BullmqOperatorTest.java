package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import routes.bullmq.BullJob;
import routes.bullmq.BullQueue;
import routes.bullmq.NewJob;
import servers.Ports;
import servers.Shop;

/** What an operator sees of a BullMQ queue, and does about it. */
class BullmqOperatorTest extends WorkerTest {
  private static final String QUEUE = "downloads";
  private static final String META = "bull:downloads:meta";
  private static final String TOKEN = "operator-token-33d0";

  private final HttpClient http = HttpClient.newHttpClient();
  private BullQueue queue;
  private String source;
  private int port;
  private String printed;

  @BeforeEach
  void openQueue() {
    queue = new BullQueue(shop.redis(), "bull", QUEUE, Clock.systemUTC());
  }

  private WorkerProcess start(String sources, int slots) throws Exception {
    source = sources;
    port = Ports.free();
    return startWorker(
        "WAYBILL_QUEUE_SOURCE",
        sources,
        "WORKER_COUNT",
        String.valueOf(slots),
        "WAYBILL_HTTP_PORT",
        String.valueOf(port),
        "WAYBILL_TOKEN",
        TOKEN,
        "WAYBILL_WATCH_PERIOD",
        "100ms",
        "WAYBILL_BULLMQ_DRAIN_DELAY",
        "100ms");
  }

  /** On the command line, which is a process of its own. */
  private int waybill(String... arguments) {
    Map<String, String> environment = shop.environment();
    environment.put("WAYBILL_QUEUE_SOURCE", source);
    CommandLine command = CommandLine.run(environment, arguments);
    printed = command.printed();
    return command.code();
  }

  private HttpResponse<String> ask(String method, String path) throws Exception {
    return http.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .method(method, HttpRequest.BodyPublishers.noBody())
            .header("Authorization", "Bearer " + TOKEN)
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private JsonNode get(String path) throws Exception {
    return new ObjectMapper().readTree(ask("GET", path).body());
  }

  private void awaitLine(String line) {
    awaitMatch(Pattern.quote(line));
  }

  private void awaitMatch(String pattern) {
    until(
        () -> ask("GET", "/observe/metrics").body().lines().anyMatch(line -> line.matches(pattern)),
        pattern);
  }

  private void awaitReady(int status, String part) {
    until(
        () -> {
          HttpResponse<String> answer = ask("GET", "/observe/health/ready");
          return answer.statusCode() == status && answer.body().contains(part);
        },
        "ready is " + status + " with " + part);
  }

  private void awaitStatus(String line) {
    until(() -> waybill("status") == 0 && printed.contains(line), line);
  }

  private long add(String conduct) throws Exception {
    long taskId = shop.task("enrolled", Shop.url(conduct));
    queue.add("download", Shop.payload(taskId, Shop.url(conduct)), NewJob.plain());
    return taskId;
  }

  @Test
  void should_take_no_more_of_a_paused_queue_and_leave_it_to_others() throws Exception {
    start("list,bullmq", 2);

    assertEquals(0, waybill("pause", QUEUE), printed);
    awaitLine("waybill_queue_paused{queue=\"downloads\"} 1.0");
    long taskId = add("ok");
    long listed = shop.order("ok");
    awaitState(listed, "done");

    assertEquals("0", shop.query("SELECT COUNT(*) FROM waybill_job WHERE task_id = ?", taskId));
    BullQueue.Worker another =
        new BullQueue.Worker("another", Duration.ofSeconds(30), "", 0, Duration.ZERO);
    BullJob taken = queue.take(another, 1).jobs().get(0);
    awaitLine("waybill_bullmq_jobs{queue=\"downloads\",state=\"active\"} 1.0");
    queue.release(taken, "another");
    awaitLine("waybill_bullmq_jobs{queue=\"downloads\",state=\"waiting\"} 1.0");
    awaitLine("waybill_inbox_length{queue=\"downloads\"} 1.0");
    awaitLine("waybill_fetch_age_seconds{route=\"take-bullmq\"} 0.0");
    awaitStatus("held       queue:downloads: paused");
    String depth = "downloads: BullMQ, 1 waiting, 0 prioritized, 0 delayed, 0 active, 0 failed";
    assertTrue(printed.contains("queue      " + depth + "\n"), printed);
    assertTrue(printed.contains("queue      " + Shop.INBOX + ": 0 not read yet"), printed);
    JsonNode row = get("/jobs/monitoring/" + QUEUE);
    assertTrue(row.path("paused").asBoolean(), row.toString());
    assertEquals(1, row.path("inbox").asInt());
    assertEquals(1, row.path("bullmq").path("jobs").path("waiting").asInt());
    assertTrue(row.path("ready").isNull(), "the ledger counts them with the list's");
    assertEquals(3, get("/jobs/monitoring/report").path("queues").size());
    assertEquals(2, get("/jobs/monitoring/report").path("healthyQueues").size());

    assertEquals(200, ask("POST", "/queues/" + QUEUE + "/resume").statusCode());
    awaitState(taskId, "done");
    awaitLine("waybill_queue_paused{queue=\"downloads\"} 0.0");
  }

  @Test
  void should_start_none_of_its_jobs_where_there_is_no_other_queue() throws Exception {
    WorkerProcess worker = start("bullmq", 1);
    long first = add("gated");
    awaitEvent(first, "DOWNLOAD_START");
    long second = add("ok");
    awaitState(second, "ready");

    assertEquals(0, waybill("pause", QUEUE), printed);
    assertEquals(2, waybill("pause", Shop.INBOX), "nobody reads it");
    shop.goOn(first);
    awaitState(first, "done");

    var owner = worker.parts().lease().worker();
    assertTrue(worker.parts().ledger().claim(second, owner).isEmpty(), "it is held");
    awaitLine("waybill_ledger_jobs{state=\"ready\"} 1.0");
    awaitLine("waybill_jobs_due 0.0");
    assertEquals(1, get("/jobs/monitoring/" + QUEUE).path("ready").asInt());

    assertEquals(0, waybill("resume", QUEUE), printed);
    awaitState(second, "done");
    worker.stop();
    assertFalse(log().contains("Error occurred"), "a route that was never started");
  }

  @Test
  void should_say_why_nothing_is_taken() throws Exception {
    start("list,bullmq", 2);
    awaitReady(200, "UP");

    shop.redis().hset(META, "paused", "1");
    awaitLine("waybill_bullmq_paused{queue=\"downloads\"} 1.0");
    awaitStatus("; paused in BullMQ");
    shop.redis().hdel(META, "paused");
    shop.redis().hset(META, "version", "bullmq:7.1.0");

    String reason = "version of the queue: expected BullMQ 5 or 6, found bullmq:7.1.0";
    awaitReady(503, reason);
    awaitStatus("queue      downloads: BullMQ, nothing is taken: " + reason);
    awaitStatus("takes nothing of the BullMQ queue: " + reason);
    assertTrue(printed.contains("alert      no-progress: worker "), printed);
    assertEquals(
        reason, get("/jobs/monitoring/report").at("/queues/2/bullmq/refused").asText(), printed);
    // Whoever judges by numbers alone sees it too: for the rule it has not asked.
    awaitMatch("waybill_fetch_age_seconds\\{route=\"take-bullmq\"} [1-9].*");
    shop.redis().hset(META, "version", "bullmq:6.7.0");
    awaitReady(200, "UP");
  }

  @Test
  void should_go_on_taking_jobs_while_others_wait_for_their_buyers_turn() throws Exception {
    startWorker(
        "WAYBILL_QUEUE_SOURCE",
        "bullmq",
        "WAYBILL_LIMIT_PER_EMAIL",
        "1",
        "WAYBILL_SHUTDOWN_GRACE",
        "0s");
    // More than are taken at a time.
    for (int i = 0; i < 21; i++) {
      addFor("one@example.com", "gated");
    }
    long other = addFor("two@example.com", "ok");

    until(() -> shop.ledger("state", other).equals("done"), "the other buyer's is delivered");

    until(
        () -> "1".equals(shop.query("SELECT COUNT(*) FROM waybill_job WHERE state = 'running'")),
        "one of the first buyer's is under way");
    assertEquals("1", shop.query("SELECT COUNT(*) FROM waybill_job WHERE state = 'done'"));
  }

  private long addFor(String email, String conduct) throws Exception {
    long taskId = shop.task("enrolled", Shop.url(conduct));
    String data =
        "{\"taskId\":%d,\"email\":\"%s\",\"courseUrl\":\"%s\"}"
            .formatted(taskId, email, Shop.url(conduct));
    queue.add("download", data, NewJob.plain());
    return taskId;
  }

  /**
   * Between its coming back and the first write about it, somebody looks at where its task stands.
   */
  @Test
  void should_not_fail_a_job_that_comes_back_while_its_task_is_still_dead() throws Exception {
    startWorker("WAYBILL_QUEUE_SOURCE", "bullmq", "WAYBILL_RETRY_TRIES", "1");
    ObjectNode fixed = new ObjectMapper().createObjectNode().put("type", "fixed");
    NewJob twice =
        new NewJob("twice", Duration.ZERO, 2, fixed.put("delay", 1500), 0, false, null, null, null);
    long taskId = shop.task("enrolled", Shop.url("fails-once"));
    queue.add("download", Shop.payload(taskId, Shop.url("fails-once")), twice);
    until(() -> shop.ledger("state", taskId).equals("dead"), "its tries are used up");

    try (Connection busy = shop.connect()) {
      busy.setAutoCommit(false);
      try (PreparedStatement lock =
          busy.prepareStatement("SELECT 1 FROM waybill_job WHERE task_id = ? FOR UPDATE")) {
        lock.setLong(1, taskId);
        lock.executeQuery();
      }
      until(() -> queue.find("twice").orElseThrow().attemptsMade() == 1, "its queue puts it off");
      until(() -> shop.redis().exists("bull:downloads:twice:lock"), "it is taken again");
      // Nobody's job, and delivered: it is forgotten by the next look.
      long done = shop.task("completed", Shop.url("ok"));
      shop.update(
          "INSERT INTO waybill_job (task_id, email, course_url, course_key, payload, state,"
              + " delivery_id, wait_until, received_at, updated_at) SELECT id, email, course_url,"
              + " SHA2(course_url, 256), '{}', 'done', UUID(), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6),"
              + " UTC_TIMESTAMP(6) FROM download_tasks WHERE id = ?",
          done);
      shop.update(
          "INSERT INTO waybill_bullmq (queue, job_id, task_id, told, owner, told_at) VALUES"
              + " ('bull:downloads', 'nobody', ?, 'active', 'nobody', UTC_TIMESTAMP(6))",
          done);
      until(
          () ->
              shop.query("SELECT COUNT(*) FROM waybill_bullmq WHERE job_id = 'nobody'").equals("0"),
          "it is looked at");
      busy.rollback();
    }

    until(() -> shop.ledger("state", taskId).equals("done"), "it is delivered");
    until(() -> queue.ended("completed", 1).equals(List.of("twice")), "its queue is told");
  }
}
