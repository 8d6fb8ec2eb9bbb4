package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import servers.Shop;

class IntakeTest extends WorkerTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Everything that has been seen to break a consumer, and then some. */
  private List<byte[]> poison() {
    List<String> texts =
        new ArrayList<>(
            List.of(
                "",
                " ",
                "null",
                "true",
                "0",
                "42",
                "\"text\"",
                "[]",
                "[1]",
                "{",
                "}",
                "{}",
                "{{}}",
                "{\"taskId\":}",
                "{\"taskId\":1,}",
                "{\"taskId\":\"1\"}",
                "{\"taskId\":1.0}",
                "{\"taskId\":1e3}",
                "{\"taskId\":-5}",
                "{\"taskId\":0}",
                "{\"taskId\":NaN}",
                "{\"taskId\":9007199254740993}",
                "{\"taskId\":1" + "0".repeat(2000) + "}",
                "{\"taskId\":{\"$gt\":0}}",
                "{\"taskid\":1}",
                "{\"taskId\":1,\"taskId\":2}",
                "{\"taskId\":1} trailing",
                "{\"taskId\":[1]}",
                "{\"taskId\":false}",
                "\u0000\u0001\u0002",
                "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcA==",
                "<xml/>",
                "taskId=1&email=a@b",
                "{\"a\":" + "[".repeat(5000),
                "x".repeat(20_000),
                "{\"taskId\":12,\"pad\":\"" + "x".repeat(20_000) + "\"}"));
    List<byte[]> payloads = new ArrayList<>();
    texts.forEach(text -> payloads.add(text.getBytes(StandardCharsets.UTF_8)));
    payloads.add(new byte[] {(byte) 0xac, (byte) 0xed, 0, 5, 's', 'r'});
    payloads.add(new byte[] {'{', '"', (byte) 0xff, (byte) 0xfe, '"', ':', '1', '}'});
    return payloads;
  }

  @Test
  void should_set_poison_aside_with_a_reason_and_go_on() throws Exception {
    startWorker();
    List<byte[]> poison = poison();
    byte[] inbox = Shop.INBOX.getBytes(StandardCharsets.UTF_8);
    poison.forEach(payload -> shop.redis().lpush(inbox, payload));
    long taskId = shop.order("ok");

    awaitState(taskId, "done");
    until(
        () -> shop.redis().llen("waybill:rejected") == poison.size(),
        poison.size() + " payloads are rejected");

    assertTrue(poison.size() >= 30);
    for (String entry : shop.redis().lrange("waybill:rejected", 0, -1)) {
      JsonNode json = JSON.readTree(entry);
      assertTrue(json.path("reason").asText().contains("expected"), entry);
      assertTrue(json.has("payload") && json.has("at"), entry);
    }
    until(
        () ->
            shop.events().stream().filter(e -> e.path("event").asText().equals("REJECTED")).count()
                == poison.size(),
        "each is told of");
    until(
        () -> List.of("waybill:rejected").equals(List.copyOf(shop.waybillKeys())),
        "nothing else is left");
  }

  @Test
  void should_mark_the_task_failed_where_its_id_is_readable() throws Exception {
    startWorker();
    long taskId = shop.task("enrolled", Shop.url("ok"));
    shop.redis().lpush(Shop.INBOX, "{\"taskId\":" + taskId + ",\"email\":\"nobody\"}");

    until(() -> shop.status(taskId).equals("failed"), "the row is failed");

    assertTrue(shop.errorLog(taskId).contains("email: expected one address"));
  }

  @Test
  void should_not_let_poison_fail_a_task_that_is_under_way_or_delivered() throws Exception {
    startWorker();
    long running = shop.order("gated");
    awaitEvent(running, "DOWNLOAD_START");
    long delivered = shop.order("ok");
    awaitState(delivered, "done");
    for (long taskId : new long[] {running, delivered}) {
      shop.redis().lpush(Shop.INBOX, "{\"taskId\":" + taskId + ",\"email\":\"nobody\"}");
      awaitEvent(taskId, "REJECTED");
    }

    assertEquals("enrolled", shop.status(running));
    assertEquals("completed", shop.status(delivered));
    shop.goOn(running);
    awaitState(running, "done");
  }

  @Test
  void should_keep_only_the_newest_rejected_payloads() throws Exception {
    startWorker("WAYBILL_QUEUE_REJECTED_MAX", "3", "WAYBILL_QUEUE_INTAKE_CONSUMERS", "2");
    for (int i = 0; i < 10; i++) {
      shop.redis().lpush(Shop.INBOX, "poison " + i);
    }

    until(
        () ->
            shop.events().stream().filter(e -> e.path("event").asText().equals("REJECTED")).count()
                == 10,
        "ten are rejected");

    until(() -> shop.redis().llen("waybill:rejected") == 3, "three are kept");
  }

  @Test
  void should_deliver_once_what_is_pushed_many_times() throws Exception {
    startWorker();
    long taskId = shop.task("enrolled", Shop.url("slow"));
    for (int i = 0; i < 20; i++) {
      shop.push(taskId, Shop.url("slow"));
    }

    awaitState(taskId, "done");
    shop.push(taskId, Shop.url("slow"));
    until(
        () -> shop.eventNames(taskId).stream().filter(e -> e.equals("DUPLICATE")).count() == 20,
        "twenty duplicates");

    assertEquals(1, shop.downloads(taskId));
    assertEquals(1, shop.webhook().calls().size());
  }

  @Test
  void should_deliver_anew_when_a_delivered_row_is_enrolled_again() throws Exception {
    startWorker();
    long taskId = shop.order("ok");
    awaitState(taskId, "done");
    String firstDelivery = shop.ledger("delivery_id", taskId);

    shop.setStatus(taskId, "enrolled");
    shop.push(taskId, Shop.url("ok"));

    until(() -> shop.webhook().calls(taskId).size() == 2, "a second webhook");
    awaitState(taskId, "done");
    assertEquals(2, shop.downloads(taskId));
    assertFalse(firstDelivery.equals(shop.ledger("delivery_id", taskId)));
    assertEquals("completed", shop.status(taskId));
  }

  @Test
  void should_take_the_vip_first() throws Exception {
    long first = shop.task("enrolled", Shop.url("ok"));
    long second = shop.task("enrolled", Shop.url("ok"));
    long third = shop.task("enrolled", Shop.url("ok"));
    WorkerProcess worker = newWorker("WORKER_COUNT", "1");
    long blocker = shop.order("gated");
    worker.start();
    awaitEvent(blocker, "DOWNLOAD_START");
    shop.push(first, Shop.url("ok"));
    awaitState(first, "ready");
    shop.push(second, Shop.url("ok"));
    awaitState(second, "ready");
    shop.pushVip(third, Shop.url("ok"));
    awaitState(third, "ready");

    shop.goOn(blocker);

    until(() -> shop.webhook().calls().size() == 4, "all are delivered");
    assertEquals(
        List.of(blocker, third, first, second),
        shop.webhook().calls().stream().map(call -> call.taskId()).toList());
  }

  @Test
  void should_bring_back_what_a_worker_had_claimed_and_not_entered() throws Exception {
    long taskId = shop.task("enrolled", Shop.url("ok"));
    WorkerProcess worker = startWorker();
    String id = worker.parts().lease().worker().id();
    // As if Redis' answer had been lost: moved by the server, never seen by a thread.
    shop.redis()
        .lpush("waybill:claimed:{" + Shop.INBOX + "}:" + id, Shop.payload(taskId, Shop.url("ok")));

    awaitState(taskId, "done");
  }

  @Test
  void should_run_a_job_once_however_often_it_is_rung() throws Exception {
    WorkerProcess worker = newWorker("WORKER_COUNT", "8");
    List<Long> tasks = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      tasks.add(shop.order("ok"));
    }
    worker.start();

    until(
        () -> {
          for (int i = 0; i < 50; i++) {
            tasks.forEach(task -> shop.redis().zadd("waybill:ready", 1, String.valueOf(task)));
          }
          return shop.query("SELECT COUNT(*) FROM waybill_job WHERE state = 'done'").equals("20");
        },
        "all are done");

    for (long taskId : tasks) {
      assertEquals(1, shop.downloads(taskId), "downloads of task " + taskId);
      assertEquals(1, shop.webhook().calls(taskId).size());
    }
  }

  @Test
  void should_ring_again_for_a_job_whose_ring_was_lost() throws Exception {
    startWorker("WORKER_COUNT", "1");
    long blocker = shop.order("gated");
    awaitEvent(blocker, "DOWNLOAD_START");
    long taskId = shop.order("ok");
    awaitState(taskId, "ready");
    shop.redis().flushAll();

    shop.goOn(blocker);

    awaitState(taskId, "done");
    awaitState(blocker, "done");
  }

  @Test
  void should_let_nothing_in_one_batch_cost_the_others_anything() throws Exception {
    long known = shop.order("ok");
    long fresh = shop.task("enrolled", Shop.url("ok"));
    long waiting = shop.task("paid", Shop.url("ok"));
    long failed = shop.task("failed", Shop.url("ok"));
    long other = shop.task("enrolled", Shop.url("another"));
    long last = shop.task("enrolled", Shop.url("ok"));
    // Pushed before anybody looks: one round trip takes them all.
    shop.push(fresh, Shop.url("ok"));
    shop.redis().lpush(Shop.INBOX, "no json");
    shop.push(fresh, Shop.url("ok"));
    shop.push(failed, Shop.url("ok"));
    shop.push(other, Shop.url("ok"));
    shop.push(waiting, Shop.url("ok"));
    shop.push(987654, Shop.url("ok"));
    shop.push(last, Shop.url("ok"));
    shop.push(known, Shop.url("ok"));

    startWorker();

    awaitState(known, "done");
    awaitState(fresh, "done");
    awaitState(last, "done");
    awaitState(waiting, "waiting");
    until(() -> shop.redis().llen("waybill:rejected") == 4, "four are rejected");
    until(() -> shop.status(other).equals("failed"), "the row of another course is failed");
    assertEquals(1, shop.eventNames(fresh).stream().filter("RECEIVED"::equals).count());
    assertEquals(1, shop.eventNames(fresh).stream().filter("DUPLICATE"::equals).count());
    assertEquals(1, shop.eventNames(known).stream().filter("DUPLICATE"::equals).count());
    assertEquals(1, shop.webhook().calls(fresh).size());
    until(() -> shop.redis().keys("waybill:claimed:*").isEmpty(), "nothing stays claimed");
  }
}
