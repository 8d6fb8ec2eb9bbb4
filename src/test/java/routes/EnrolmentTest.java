package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import servers.Shop;

class EnrolmentTest extends WorkerTest {
  private long order(String status) throws Exception {
    long taskId = shop.task(status, Shop.url("ok"));
    shop.push(taskId, Shop.url("ok"));
    return taskId;
  }

  private JsonNode lastRejected() throws Exception {
    until(() -> shop.redis().llen("waybill:rejected") > 0, "something is rejected");
    return new ObjectMapper().readTree(shop.redis().lindex("waybill:rejected", 0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"processing", "pending", "paid"})
  void should_wait_until_the_row_says_enrolled(String status) throws Exception {
    startWorker();
    long taskId = order(status);
    awaitEvent(taskId, "WAITING");
    assertEquals(0, shop.downloads(taskId));

    shop.setStatus(taskId, "enrolled");

    awaitState(taskId, "done");
    assertEquals(List.of("RECEIVED", "WAITING", "ENROLLED"), shop.eventNames(taskId).subList(0, 3));
  }

  @Test
  void should_wake_at_once_when_the_shop_publishes_the_id() throws Exception {
    startWorker("WAYBILL_ENROLMENT_POLL", "10m");
    long taskId = order("processing");
    awaitState(taskId, "waiting");
    shop.redis().publish("waybill:enrolled", "not a number");
    shop.redis().publish("waybill:enrolled", "999999999");
    shop.redis().publish("waybill:enrolled", String.valueOf(taskId));
    assertEquals("waiting", shop.ledger("state", taskId));

    shop.setStatus(taskId, "enrolled");
    shop.redis().publish("waybill:enrolled", String.valueOf(taskId));

    awaitState(taskId, "done");
  }

  @Test
  void should_fail_a_task_that_is_never_enrolled() throws Exception {
    startWorker("WAYBILL_ENROLMENT_MAX_WAIT", "1s");
    long taskId = order("processing");

    awaitState(taskId, "dead");

    assertEquals("failed", shop.status(taskId));
    assertTrue(shop.errorLog(taskId).contains("the status is still 'processing'"));
    awaitEvent(taskId, "DEAD");
    assertEquals(0, shop.downloads(taskId));
  }

  @Test
  void should_tell_of_a_wait_once() throws Exception {
    startWorker("WAYBILL_ENROLMENT_POLL", "20ms", "WAYBILL_ENROLMENT_MAX_WAIT", "1s");
    long taskId = order("pending");

    awaitState(taskId, "dead");

    assertEquals(
        1, shop.eventNames(taskId).stream().filter(name -> name.equals("WAITING")).count());
  }

  @Test
  void should_leave_a_failed_row_as_it_is() throws Exception {
    startWorker();
    long taskId = order("failed");

    JsonNode rejected = lastRejected();

    assertTrue(rejected.path("reason").asText().contains("'failed'"));
    assertEquals(Shop.payload(taskId, Shop.url("ok")), rejected.path("payload").asText());
    assertTrue(rejected.hasNonNull("at"));
    assertEquals("failed", shop.status(taskId));
    assertNull(shop.errorLog(taskId));
    assertNull(shop.ledger("state", taskId));
  }

  @Test
  void should_count_a_completed_row_as_a_duplicate() throws Exception {
    startWorker();
    long taskId = order("completed");

    awaitEvent(taskId, "DUPLICATE");

    assertEquals("completed", shop.status(taskId));
    assertEquals(0, shop.downloads(taskId));
  }

  @Test
  void should_reject_a_task_without_a_row() throws Exception {
    startWorker();
    shop.push(4711, Shop.url("ok"));

    assertTrue(lastRejected().path("reason").asText().contains("not found"));
  }

  @Test
  void should_fail_a_row_with_a_status_nobody_knows() throws Exception {
    startWorker();
    long taskId = order("refunded");

    until(() -> shop.status(taskId).equals("failed"), "the row is failed");

    assertTrue(shop.errorLog(taskId).contains("unexpected status 'refunded'"));
  }

  @Test
  void should_refuse_a_course_that_is_not_the_row_s() throws Exception {
    startWorker();
    long taskId = shop.task("enrolled", Shop.url("paid-for"));
    shop.push(taskId, Shop.url("another"));

    assertTrue(lastRejected().path("reason").asText().contains("courseUrl"));
    until(() -> shop.status(taskId).equals("failed"), "the row is failed");
    assertEquals(0, shop.downloads(taskId));
  }

  @Test
  void should_accept_the_same_course_written_differently() throws Exception {
    startWorker();
    long taskId = shop.task("enrolled", "HTTPS://COURSES.example.com/course/ok");
    shop.push(taskId, Shop.url("ok"));

    awaitState(taskId, "done");
  }

  @Test
  void should_end_waits_whose_row_changes_to_anything_else() throws Exception {
    startWorker();
    long failed = order("pending");
    long completed = order("pending");
    long odd = order("pending");
    long gone = order("pending");
    long swapped = order("pending");
    for (long taskId : new long[] {failed, completed, odd, gone, swapped}) {
      awaitState(taskId, "waiting");
    }

    shop.setStatus(failed, "failed");
    shop.setStatus(completed, "completed");
    shop.setStatus(odd, "refunded");
    shop.update("DELETE FROM download_tasks WHERE id = ?", gone);
    shop.update(
        "UPDATE download_tasks SET course_url = ?, status = 'enrolled' WHERE id = ?",
        Shop.url("cheaper"),
        swapped);

    awaitState(failed, "dead");
    awaitState(completed, "done");
    awaitState(odd, "dead");
    awaitState(gone, "dead");
    awaitState(swapped, "dead");
    assertNull(shop.errorLog(failed));
    assertEquals("completed", shop.status(completed));
    assertEquals("failed", shop.status(odd));
    assertEquals("failed", shop.status(swapped));
    assertFalse(shop.webhook().calls().stream().anyMatch(call -> call.taskId() == completed));
  }

  @Test
  void should_start_an_enrolled_job_behind_many_that_wait() throws Exception {
    startWorker();
    for (int i = 0; i < 50; i++) {
      order("pending");
    }
    long taskId = shop.order("ok");

    awaitState(taskId, "done");
  }

  @Test
  void should_move_each_of_many_once_whoever_looks() throws Exception {
    int many = 130;
    WorkerProcess one = startWorker("WAYBILL_ENROLMENT_POLL", "100ms");
    WorkerProcess other = startWorker("WAYBILL_ENROLMENT_POLL", "100ms");
    one.parts().holds().pause(Shop.INBOX);
    until(() -> other.parts().holds().isPaused(Shop.INBOX), "both leave the rings alone");
    List<Long> tasks = new ArrayList<>();
    for (int i = 0; i < many; i++) {
      tasks.add(order("paid"));
    }
    until(() -> inState("waiting") == many, "all of them wait");

    shop.update("UPDATE download_tasks SET status = 'enrolled'");

    until(() -> inState("ready") == many, "all of them are ready");
    until(() -> shop.redis().zcard("waybill:ready") == many, "all of them are rung for");
    until(
        () ->
            shop.events().stream()
                .filter(event -> event.path("event").asText().equals("ENROLLED"))
                .map(event -> event.path("taskId").asLong())
                .sorted()
                .toList()
                .equals(tasks.stream().sorted().toList()),
        "each is told of once");
  }

  private int inState(String state) throws Exception {
    return Integer.parseInt(shop.query("SELECT COUNT(*) FROM waybill_job WHERE state = ?", state));
  }
}
