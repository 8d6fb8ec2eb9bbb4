package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Each alert is told once when it begins and once when it is over, to whoever listens. */
class AlertsTest extends WorkerTest {
  private WorkerProcess start(String... overrides) throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of(
                "WAYBILL_WATCH_PERIOD", "100ms",
                "WAYBILL_ALERT_URL", shop.webhook().chatUrl(),
                "WAYBILL_ALERT_DISK_FREE", "0B"));
    all.addAll(List.of(overrides));
    return startWorker(all.toArray(String[]::new));
  }

  private List<String> chats(String name) {
    return shop.webhook().chats().stream().filter(text -> text.contains(name)).toList();
  }

  private void awaitAlert(String name, String part) {
    until(
        () -> chats(name).stream().anyMatch(text -> text.startsWith("Waybill: " + name + ": ")),
        name + " is told");
    assertTrue(chats(name).get(0).contains(part), chats(name).toString());
  }

  private void awaitOver(String name) throws Exception {
    until(
        () -> chats(name).stream().anyMatch(text -> text.contains(name + " is over")),
        name + " is over");
    assertEquals(2, chats(name).size(), chats(name).toString());
    assertEquals(1, events("ALERT", name));
    assertEquals(1, events("ALERT_OVER", name));
    assertEquals("0", shop.query("SELECT COUNT(*) FROM waybill_alert WHERE name = ?", name));
  }

  private long events(String event, String name) throws Exception {
    return shop.events().stream()
        .filter(line -> line.path("event").asText().equals(event))
        .filter(line -> line.path("detail").asText().startsWith(name + ": "))
        .count();
  }

  private void hoursPass() throws Exception {
    shop.update("UPDATE waybill_job SET finished_at = finished_at - INTERVAL 2 HOUR");
  }

  @Test
  void should_tell_when_too_many_jobs_die() throws Exception {
    start("WAYBILL_RETRY_TRIES", "1", "WAYBILL_ALERT_DEAD", "2");
    awaitState(shop.order("fails-always"), "dead");
    awaitState(shop.order("ok"), "done");
    awaitState(shop.order("fails-always"), "dead");

    awaitAlert("failure-rate", "2 of the 3 jobs");
    awaitAlert("dead-growing", "2 jobs died");
    hoursPass();

    awaitOver("failure-rate");
    awaitOver("dead-growing");
  }

  @Test
  void should_tell_when_jobs_pile_up_and_none_are_delivered() throws Exception {
    start("WORKER_COUNT", "1", "WAYBILL_ALERT_BACKLOG", "1");
    long first = shop.order("gated");
    awaitEvent(first, "DOWNLOAD_START");
    long second = shop.order("ok");
    long third = shop.order("ok");
    awaitState(second, "ready");
    awaitState(third, "ready");

    awaitAlert("backlog", "2 jobs are ready");
    assertEquals(List.of(), chats("slow-throughput"));
    shop.update(
        "UPDATE waybill_job SET updated_at = updated_at - INTERVAL 2 MINUTE WHERE task_id = ?",
        second);
    awaitAlert("slow-throughput", "0.0 jobs a minute");
    shop.goOn(first);

    awaitOver("backlog");
    awaitOver("slow-throughput");
  }

  @Test
  void should_tell_when_a_stage_takes_too_long_on_average() throws Exception {
    start("WAYBILL_ALERT_SLOW_UPLOAD", "1ms");
    awaitState(shop.order("ok"), "done");

    awaitAlert("slow-stage", "upload takes");
    assertFalse(chats("slow-stage").get(0).contains("download"));
    hoursPass();

    awaitOver("slow-stage");
  }

  @Test
  void should_tell_once_of_all_processes_what_is_held_back() throws Exception {
    // A look of one that began before the end must not come in after the other's.
    WorkerProcess first = start("WAYBILL_WATCH_PERIOD", "500ms");
    start("WAYBILL_WATCH_PERIOD", "500ms");
    first.parts().holds().hold("upload", Duration.ofHours(1), "quota", true);
    awaitAlert("breaker-open", "upload: quota");
    until(() -> first.parts().alerts().stands("breaker-open"), "the other one has seen it too");

    assertEquals("breaker-open", first.parts().alertBook().all().get(0).name());

    first.parts().holds().release("upload");

    awaitOver("breaker-open");
  }

  @Test
  void should_tell_when_nothing_is_fetched_though_a_slot_is_free() throws Exception {
    WorkerProcess worker = start("WAYBILL_ALERT_NO_PROGRESS", "1s");
    worker.camel().getRouteController().suspendRoute("claim-job");
    awaitAlert("no-progress", "claim-job of worker");

    worker.camel().getRouteController().resumeRoute("claim-job");

    awaitOver("no-progress");
  }

  @Test
  void should_not_take_a_long_job_in_every_slot_for_a_standstill() throws Exception {
    WorkerProcess worker = start("WORKER_COUNT", "1", "WAYBILL_ALERT_NO_PROGRESS", "1s");
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");

    assertEquals(0.0, worker.parts().watch().fetchAges().get("claim-job"));
    shop.goOn(taskId);
    awaitState(taskId, "done");
  }

  @Test
  void should_end_what_a_worker_raised_that_is_gone() throws Exception {
    WorkerProcess full = start("WAYBILL_ALERT_DISK_FREE", "1000TiB");
    awaitAlert("disk-low", "MiB are free");
    full.stop();

    start();

    awaitOver("disk-low");
  }

  @Test
  void should_not_tell_again_after_a_restart() throws Exception {
    WorkerProcess worker = start("WAYBILL_RETRY_TRIES", "1", "WAYBILL_ALERT_DEAD", "1");
    awaitState(shop.order("fails-always"), "dead");
    awaitAlert("dead-growing", "1 jobs died");
    worker.stop();

    WorkerProcess second = start("WAYBILL_ALERT_DEAD", "1");
    until(() -> second.parts().alerts().stands("dead-growing"), "the second sees it too");

    assertEquals(1, chats("dead-growing").size());
  }

  @Test
  void should_keep_the_chats_address_to_itself() throws Exception {
    WorkerProcess worker = start("WAYBILL_ALERT_DEAD", "1", "WAYBILL_RETRY_TRIES", "1");
    shop.webhook().answerChat(404);
    awaitState(shop.order("fails-always"), "dead");
    until(() -> shop.webhook().refusedChats() == 3, "it is tried three times");
    until(
        () ->
            java.nio.file.Files.readString(shop.logs().resolve("worker-error.log"))
                .contains("the chat answered 404"),
        "the log says what became of it");

    assertTrue(
        worker.camel().getEndpoints().stream()
            .noneMatch(endpoint -> endpoint.getEndpointUri().contains("token-71d2")));
    assertFalse(worker.parts().settings().values().containsValue(shop.webhook().chatUrl()));
    for (String file : List.of("worker-out.log", "worker-error.log")) {
      assertFalse(
          java.nio.file.Files.readString(shop.logs().resolve(file)).contains("token-71d2"), file);
    }
  }
}
