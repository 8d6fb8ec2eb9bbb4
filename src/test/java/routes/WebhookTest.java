package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import servers.RawServer;
import servers.Shop;
import servers.WebhookReceiver.Answer;
import servers.WebhookReceiver.Call;

class WebhookTest extends WorkerTest {
  private long orderAnswered(Answer... answers) throws Exception {
    long taskId = shop.task("enrolled", Shop.url("ok"));
    shop.webhook().answer(taskId, answers);
    shop.push(taskId, Shop.url("ok"));
    return taskId;
  }

  @ParameterizedTest
  @ValueSource(ints = {200, 201, 202, 204})
  void should_take_2xx_for_success(int status) throws Exception {
    startWorker();
    long taskId = orderAnswered(Answer.of(status));

    awaitState(taskId, "done");
    assertEquals(1, shop.webhook().calls(taskId).size());
  }

  @ParameterizedTest
  @ValueSource(ints = {408, 425, 429, 500, 502, 503, 504})
  void should_try_again_after_what_may_pass(int status) throws Exception {
    startWorker();
    long taskId = orderAnswered(Answer.of(status));

    awaitState(taskId, "done");

    List<Call> calls = shop.webhook().calls(taskId);
    assertEquals(2, calls.size());
    assertEquals(calls.get(0).id(), calls.get(1).id());
    assertTrue(calls.stream().allMatch(Call::signed));
  }

  @ParameterizedTest
  @ValueSource(ints = {301, 302, 303, 307, 308, 400, 401, 403, 404, 409, 410, 422})
  void should_give_up_at_once_after_what_is_final(int status) throws Exception {
    startWorker();
    long taskId =
        orderAnswered(
            new Answer(
                status, Map.of("Location", shop.webhook().url().replace("webhook", "elsewhere"))));

    awaitState(taskId, "dead");

    assertEquals(1, shop.webhook().calls(taskId).size());
    assertEquals(0, shop.webhook().elsewhere(), "the secret went elsewhere");
    assertEquals("failed", shop.status(taskId));
    assertTrue(shop.errorLog(taskId).contains("The webhook answered " + status));
    assertTrue(Files.isDirectory(shop.sandbox(taskId)));
    assertEquals("uploaded", shop.ledger("stage", taskId));
  }

  @Test
  void should_try_again_when_the_connection_is_cut() throws Exception {
    startWorker();
    long taskId = orderAnswered(Answer.CUT);

    awaitState(taskId, "done");
    assertEquals(2, shop.webhook().calls(taskId).size());
  }

  /** The next try wants the connection, and the slot the end of the answer. */
  @Test
  void should_not_be_held_up_or_told_twice_by_answers_without_end() throws Exception {
    List<String> asked = new java.util.concurrent.CopyOnWriteArrayList<>();
    try (RawServer receiver =
        RawServer.start(
            socket -> {
              asked.add(RawServer.readRequest(socket));
              String status = asked.size() == 1 ? "503 No" : "200 OK";
              RawServer.send(
                  socket,
                  "HTTP/1.1 "
                      + status
                      + "\r\nTransfer-Encoding: chunked\r\nCamelHttpResponseCode: 200\r\n"
                      + "camelhttpresponsecode: 200\r\nCamelExecCommandExecutable: /bin/false\r\n\r\n");
              RawServer.repeat(socket, "1\r\nx\r\n", asked.size() == 1 ? 0 : 100);
            })) {
      startWorker(
          "WEBHOOK_URL", receiver.url(),
          "WORKER_COUNT", "1",
          "WAYBILL_WEBHOOK_TIMEOUT", "3s",
          "WAYBILL_WEBHOOK_CONNECT_TIMEOUT", "500ms");
      long taskId = shop.order("ok");
      long next = shop.order("ok");

      awaitState(taskId, "done");
      awaitState(next, "done");

      assertEquals(3, asked.size(), "one was refused");
      List<String> told = new ArrayList<>(shop.eventNames(taskId));
      told.addAll(shop.eventNames(next));
      assertEquals(1, told.stream().filter("WEBHOOK_ERROR"::equals).count());
    }
  }

  @Test
  void should_try_again_when_nobody_listens_and_then_bury() throws Exception {
    startWorker("WEBHOOK_URL", "http://127.0.0.1:1/webhook");
    long taskId = shop.order("ok");

    awaitState(taskId, "dead");

    assertEquals("3", shop.ledger("attempts", taskId));
    assertTrue(shop.eventNames(taskId).contains("WEBHOOK_ERROR"));
  }

  @Test
  void should_wait_as_long_as_the_receiver_asks() throws Exception {
    startWorker("WAYBILL_WEBHOOK_RETRY_DELAY", "1ms");
    long taskId = orderAnswered(new Answer(429, Map.of("Retry-After", "2")), Answer.of(500));

    awaitEvent(taskId, "CLEANUP");

    List<JsonNode> events = shop.events(taskId);
    Duration first = between(events, "WEBHOOK_ERROR", "RETRY");
    assertTrue(first.toMillis() >= 1900, "waited " + first);
    assertEquals(3, shop.webhook().calls(taskId).size());
    JsonNode last = events.get(events.size() - 2);
    assertEquals("WEBHOOK_SUCCESS", last.path("event").asText());
  }

  private static Duration between(List<JsonNode> events, String from, String to) {
    Instant start = null;
    for (JsonNode event : events) {
      Instant at = Instant.parse(event.path("at").asText());
      if (start == null && event.path("event").asText().equals(from)) {
        start = at;
      } else if (start != null && event.path("event").asText().equals(to)) {
        return Duration.between(start, at);
      }
    }
    throw new AssertionError("no " + from + " followed by " + to);
  }

  @Test
  void should_send_the_contract_s_body_and_headers() throws Exception {
    startWorker();
    long taskId = orderAnswered();

    awaitState(taskId, "done");

    Call call = shop.webhook().calls(taskId).get(0);
    JsonNode body = new ObjectMapper().readTree(call.body());
    assertEquals(
        List.of("secret_key", "task_id", "folder_name", "timestamp"),
        new java.util.ArrayList<>(body.properties().stream().map(Map.Entry::getKey).toList()));
    assertTrue(body.path("task_id").isIntegralNumber());
    assertTrue(body.path("timestamp").isTextual());
    assertEquals("application/json", call.headers().get("content-type"));
    assertEquals(shop.ledger("delivery_id", taskId), call.id());
    assertFalse(call.headers().keySet().stream().anyMatch(name -> name.startsWith("camel")));
  }

  @Test
  void should_send_no_second_signature_without_its_secret() throws Exception {
    startWorker("WEBHOOK_SIGNING_SECRET", "");
    long taskId = orderAnswered();

    awaitState(taskId, "done");

    Map<String, String> headers = shop.webhook().calls(taskId).get(0).headers();
    assertFalse(headers.containsKey("webhook-signature"));
    assertTrue(headers.containsKey("x-signature"));
  }

  @Test
  void should_sign_a_folder_name_with_spaces_quotes_vietnamese_and_emoji() throws Exception {
    startWorker();
    long taskId = shop.task("enrolled", Shop.url("named-x"));
    String name = "Khoá học \"Đầu tư\" 🎓 d'été";
    Files.writeString(shop.staging().resolve("name-" + taskId), name);
    shop.push(taskId, Shop.url("named-x"));

    awaitState(taskId, "done");

    Call call = shop.webhook().calls(taskId).get(0);
    assertTrue(call.signed());
    assertEquals(name, call.folder());
    assertTrue(shop.delivered().containsKey(name + "/a.txt"), () -> shop.directory().toString());
    assertEquals(name, shop.ledger("folder", taskId));
  }
}
