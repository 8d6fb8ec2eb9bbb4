package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;
import servers.Shop;
import servers.WebhookReceiver.Call;

class DeliveryTest extends WorkerTest {
  @Test
  void should_deliver_a_job_that_is_enrolled() throws Exception {
    startWorker();
    long taskId = shop.order("ok");

    awaitState(taskId, "done");
    awaitEvent(taskId, "CLEANUP");

    assertEquals(Shop.expected(taskId), shop.delivered());
    assertEquals("completed", shop.status(taskId));
    List<Call> calls = shop.webhook().calls();
    assertEquals(1, calls.size());
    assertTrue(calls.get(0).signed());
    assertEquals("Course " + taskId, calls.get(0).folder());
    assertFalse(Files.exists(shop.sandbox(taskId)));
    assertEquals(
        List.of(
            "RECEIVED",
            "ENROLLED",
            "DOWNLOAD_START",
            "DOWNLOAD_SUCCESS",
            "UPLOAD_START",
            "UPLOAD_SUCCESS",
            "COMPLETED",
            "WEBHOOK_SUCCESS",
            "CLEANUP"),
        shop.eventNames(taskId));
    String orderId = shop.query("SELECT order_id FROM download_tasks WHERE id = ?", taskId);
    for (JsonNode event : shop.events(taskId)) {
      assertEquals(orderId, event.path("orderId").asText(), event.toString());
      assertEquals(
          List.of("at", "event", "taskId", "orderId", "worker", "stage", "ms", "detail"),
          event.properties().stream().map(java.util.Map.Entry::getKey).toList());
    }
    assertTrue(shop.waybillKeys().isEmpty(), () -> "left in Redis: " + shop.waybillKeys());
  }
}
