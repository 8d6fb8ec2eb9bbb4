package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.junit.jupiter.api.Test;
import routes.command.ProcessTree;
import servers.Shop;

/** What an operator does at three in the morning, on the command line. */
class OperatorTest extends WorkerTest {
  private String printed;

  /** Its exit code; what it printed, on both streams, is kept. */
  private int waybill(String... arguments) {
    CommandLine command = CommandLine.run(shop.environment(), arguments);
    printed = command.printed();
    return command.code();
  }

  private JsonNode json(String... arguments) throws Exception {
    assertEquals(0, waybill(arguments), printed);
    return new ObjectMapper().readTree(printed);
  }

  /** rclone says that it is final. */
  private long deadUpload() throws Exception {
    shop.breakRclone("move", "exit-7");
    long taskId = shop.order("ok");
    awaitState(taskId, "dead");
    return taskId;
  }

  @Test
  void should_find_a_dead_job_by_its_email_and_set_it_going_where_it_stopped() throws Exception {
    startWorker("WAYBILL_RETRY_TRIES", "2");
    shop.breakRclone("move", "exit-5", "exit-5");
    long taskId = shop.order("ok");
    awaitState(taskId, "dead");
    String email = shop.ledger("email", taskId);
    until(() -> waybill("show", String.valueOf(taskId)) == 0 && printed.contains("DEAD"), "told");

    assertEquals(0, waybill("dead", "-q", email.substring(0, email.indexOf('@'))), printed);
    assertTrue(printed.contains(String.valueOf(taskId)), printed);
    assertTrue(printed.contains("exit code 5"), printed);
    assertEquals(0, waybill("show", String.valueOf(taskId)));
    assertTrue(printed.contains("state              dead, after downloaded"), printed);
    assertTrue(printed.contains("nothing, until: waybill retry " + taskId), printed);
    assertTrue(printed.contains("UPLOAD_ERROR"), printed);
    assertEquals(0, waybill("logs", String.valueOf(taskId)));
    assertTrue(printed.contains("upload try 2"), printed);

    assertEquals(0, waybill("retry", String.valueOf(taskId)), printed);

    awaitState(taskId, "done");
    assertEquals("completed", shop.status(taskId));
    assertEquals(1, shop.downloads(taskId));
    assertTrue(
        shop.events(taskId).stream()
            .anyMatch(
                event ->
                    event.path("event").asText().equals("RETRY")
                        && event.path("detail").asText().startsWith("by ")),
        "who did it is in the lifecycle log");
  }

  @Test
  void should_begin_again_from_an_earlier_stage_and_from_no_later_one() throws Exception {
    startWorker("WAYBILL_RETRY_TRIES", "1");
    long taskId = deadUpload();
    String id = String.valueOf(taskId);
    String delivery = shop.ledger("delivery_id", taskId);

    assertEquals(1, waybill("retry", id, "--from", "webhook"));
    assertTrue(printed.contains("it stopped after downloaded"), printed);
    assertEquals(1, waybill("retry", id, "--from", "lunch"));
    assertTrue(printed.contains("expected download, upload or webhook"), printed);
    assertEquals(0, waybill("retry", id, "--from", "download"));

    awaitState(taskId, "done");
    assertEquals(2, shop.downloads(taskId));
    assertFalse(delivery.equals(shop.ledger("delivery_id", taskId)));
    assertEquals(1, waybill("retry", id));
    assertTrue(
        printed.contains("expected a job that is dead or cancelled, found it done"), printed);
    assertEquals(1, waybill("retry", "987654"));
    assertTrue(printed.contains("there is no such job"), printed);
  }

  @Test
  void should_say_how_many_before_it_sets_many_going() throws Exception {
    startWorker("WAYBILL_RETRY_TRIES", "1");
    List<Long> dead = List.of(deadUpload(), deadUpload());

    assertEquals(0, waybill("retry", "--query", ""));
    assertTrue(printed.contains("2 dead jobs match"), printed);
    assertEquals("dead", shop.ledger("state", dead.get(0)));
    assertEquals(0, waybill("retry", "--query", "", "--yes"));

    for (long taskId : dead) {
      awaitState(taskId, "done");
    }
    assertEquals(2, waybill("retry"));
  }

  @Test
  void should_end_a_running_download_in_whichever_process_it_runs() throws Exception {
    startJar();
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    until(() -> !ProcessTree.in(shop.sandbox(taskId)).isEmpty(), "it runs");

    assertEquals(0, waybill("cancel", String.valueOf(taskId)), printed);

    assertEquals("cancelled", shop.ledger("state", taskId));
    assertEquals("failed", shop.status(taskId));
    assertTrue(shop.errorLog(taskId).startsWith("cancelled by "));
    until(() -> ProcessTree.in(shop.sandbox(taskId)).isEmpty(), "its programs are ended");
    assertTrue(shop.eventNames(taskId).contains("CANCELLED"));
    assertEquals(1, waybill("cancel", String.valueOf(taskId)));
    assertTrue(printed.contains("found it cancelled"), printed);
    long next = shop.order("ok");
    awaitState(next, "done");
    assertEquals(0, shop.webhook().calls(taskId).size());
  }

  @Test
  void should_not_go_round_the_enrolment() throws Exception {
    startWorker("WAYBILL_ENROLMENT_MAX_WAIT", "1s");
    long taskId = shop.task("paid", Shop.url("ok"));
    shop.push(taskId, Shop.url("ok"));
    awaitState(taskId, "dead");

    assertEquals(1, waybill("retry", String.valueOf(taskId)));

    assertTrue(printed.contains("it was never enrolled"), printed);
    assertEquals("failed", shop.status(taskId));
    waybill("show", String.valueOf(taskId));
    assertTrue(printed.contains("and it is pushed once more"), printed);
  }

  @Test
  void should_cancel_a_job_that_waits() throws Exception {
    startWorker();
    long taskId = shop.task("paid", Shop.url("ok"));
    shop.push(taskId, Shop.url("ok"));
    awaitState(taskId, "waiting");

    assertEquals(0, waybill("cancel", String.valueOf(taskId)));

    shop.setStatus(taskId, "enrolled");
    shop.push(taskId, Shop.url("ok"));
    awaitState(taskId, "done");
  }

  @Test
  void should_push_only_what_the_workers_would_take() throws Exception {
    startWorker();
    long taskId = shop.task("enrolled", Shop.url("ok"));
    String id = String.valueOf(taskId);

    assertEquals(2, waybill("push", id, "nobody", Shop.url("ok")));
    assertTrue(printed.contains("email: expected one address"), printed);
    assertEquals(2, waybill("push", id, "a@example.com", "https://elsewhere.example/x/"));
    assertTrue(printed.contains("courseUrl: expected an allowed host"), printed);
    assertEquals(0, waybill("push", id, "a@example.com", Shop.url("ok"), "--vip"));

    awaitState(taskId, "done");
    assertEquals("1", shop.ledger("vip", taskId));
  }

  @Test
  void should_tell_scripts_the_same_as_people() throws Exception {
    startWorker(
        "WAYBILL_RETRY_TRIES",
        "1",
        "WAYBILL_ALERT_DEAD",
        "1",
        "WAYBILL_ALERT_DISK_FREE",
        "0B",
        "WAYBILL_WATCH_PERIOD",
        "100ms");
    long taskId = deadUpload();
    until(
        () -> "dead-growing".equals(shop.query("SELECT MAX(name) FROM waybill_alert")),
        "an alert stands");

    JsonNode jobs = json("jobs", "--state", "dead", "--json");
    JsonNode show = json("show", String.valueOf(taskId), "--json");
    JsonNode status = json("status", "--json");

    assertEquals(taskId, jobs.get(0).path("taskId").asLong());
    assertEquals("dead", show.path("job").path("state").asText());
    assertTrue(show.path("job").path("times").path("downloaded").asText().endsWith("Z"));
    assertEquals(1, status.path("jobs").path("dead").asInt());
    assertEquals(1, status.path("workers").size());
    assertEquals("dead-growing", status.path("alerts").get(0).path("name").asText());
    waybill("status");
    assertTrue(printed.contains("alert      dead-growing: 1 jobs died"), printed);
    assertEquals(2, waybill("jobs", "--state", "lost"));
    assertEquals(2, waybill("lunch"));
  }

  @Test
  void should_bring_back_what_a_dead_worker_left() throws Exception {
    WorkerProcess worker = newWorker();
    worker.parts();
    assertEquals(0, waybill("status"), printed);
    assertTrue(printed.contains("no worker is alive"), printed);
    shop.update(
        "INSERT INTO waybill_worker (id, host, pid, started_at, seen_at, lease_ms)"
            + " VALUES ('dead-one', 'elsewhere', 1, UTC_TIMESTAMP(6) - INTERVAL 1 HOUR,"
            + " UTC_TIMESTAMP(6) - INTERVAL 1 HOUR, 3000)");
    long taskId = shop.task("enrolled", Shop.url("ok"));
    shop.redis()
        .lpush(
            "waybill:claimed:{" + Shop.INBOX + "}:dead-one", Shop.payload(taskId, Shop.url("ok")));

    assertEquals(0, waybill("recover"), printed);

    assertTrue(printed.contains("1 messages are back"), printed);
    assertEquals(1, shop.redis().llen(Shop.INBOX));
  }
}
