package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import routes.command.ProcessTree;
import servers.Ports;
import servers.Shop;

/** The operator's HTTP side, over real HTTP. */
class HttpSideTest extends WorkerTest {
  private static final String TOKEN = "operator-token-33d0";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newHttpClient();
  private int port;

  private WorkerProcess start(String... overrides) throws Exception {
    port = Ports.free();
    List<String> all =
        new ArrayList<>(List.of("WAYBILL_HTTP_PORT", String.valueOf(port), "WAYBILL_TOKEN", TOKEN));
    all.addAll(List.of(overrides));
    return startWorker(all.toArray(String[]::new));
  }

  private HttpResponse<String> ask(String method, String path, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .method(method, HttpRequest.BodyPublishers.noBody());
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private JsonNode get(String path) throws Exception {
    HttpResponse<String> answer = ask("GET", path);
    assertEquals(200, answer.statusCode(), answer.body());
    return JSON.readTree(answer.body());
  }

  private HttpResponse<String> change(String path) throws Exception {
    return ask("POST", path, "Authorization", "Bearer " + TOKEN);
  }

  private void expectProblem(int status, String part, HttpResponse<String> answer)
      throws Exception {
    assertEquals(status, answer.statusCode(), answer.body());
    assertEquals(
        "application/problem+json", answer.headers().firstValue("Content-Type").orElse(""));
    JsonNode problem = JSON.readTree(answer.body());
    assertEquals(status, problem.path("status").asInt());
    assertTrue(problem.path("detail").asText().contains(part), answer.body());
  }

  @Test
  void should_find_show_and_retry_a_dead_job() throws Exception {
    start("WAYBILL_RETRY_TRIES", "1");
    shop.breakRclone("move", "exit-7");
    long taskId = shop.order("ok");
    awaitState(taskId, "dead");
    String email = URLEncoder.encode("NGUYỄN", StandardCharsets.UTF_8);

    JsonNode found = get("/jobs?state=dead&q=" + email);
    assertEquals(taskId, found.path("jobs").get(0).path("taskId").asLong());
    assertEquals("n…@example.com", found.path("jobs").get(0).path("email").asText());
    assertFalse(found.path("more").asBoolean());
    until(() -> get("/jobs/" + taskId).path("history").size() >= 2, "its history is written");
    JsonNode job = get("/jobs/" + taskId);
    assertTrue(job.path("error").asText().contains("exit code 7"));
    assertEquals("failed", job.path("shopStatus").asText());
    assertTrue(job.path("next").asText().startsWith("nothing, until"));
    assertTrue(job.path("times").has("downloaded"));
    HttpResponse<String> log = ask("GET", "/jobs/" + taskId + "/log");
    assertTrue(log.body().contains("upload try 1"), log.body());

    expectProblem(409, "it stopped after", change("/jobs/" + taskId + "/retry?from=webhook"));
    assertEquals(200, change("/jobs/" + taskId + "/retry").statusCode());

    awaitState(taskId, "done");
    assertEquals(1, shop.downloads(taskId));
    expectProblem(409, "found it done", change("/jobs/" + taskId + "/cancel"));
    JsonNode report = get("/jobs/monitoring/report");
    assertEquals(1, report.path("processed").asInt());
    assertEquals(1, report.path("workersAlive").asInt());
    assertTrue(report.path("steps").path("upload").path("p95Ms").asLong() >= 0);
  }

  @Test
  void should_ask_for_the_token_before_any_change() throws Exception {
    WorkerProcess worker = start();
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    String cancel = "/jobs/" + taskId + "/cancel";

    expectProblem(401, "found none", ask("POST", cancel));
    expectProblem(401, "found another", ask("POST", cancel, "Authorization", "Bearer x"));
    expectProblem(401, "found another", ask("POST", cancel, "Authorization", TOKEN));
    assertEquals("running", shop.ledger("state", taskId));
    HttpResponse<String> withToken =
        ask("GET", "/jobs/" + taskId, "Authorization", "Bearer " + TOKEN);
    assertEquals("nguyễn@example.com", JSON.readTree(withToken.body()).path("email").asText());
    expectProblem(401, "", ask("GET", "/jobs", "X-Forwarded-For", "192.0.2.7"));

    assertEquals(200, change(cancel).statusCode());

    assertEquals("cancelled", shop.ledger("state", taskId));
    until(() -> ProcessTree.in(shop.sandbox(taskId)).isEmpty(), "its programs are ended");
    until(() -> worker.parts().flights().all().isEmpty(), "the slot is free");
  }

  @Test
  void should_hold_off_whoever_guesses() throws Exception {
    start();
    for (int i = 0; i < 10; i++) {
      assertEquals(401, ask("POST", "/jobs/1/cancel", "Authorization", "Bearer " + i).statusCode());
    }

    expectProblem(429, "too many", change("/jobs/1/cancel"));
    assertEquals(200, ask("GET", "/jobs").statusCode());
  }

  @Test
  void should_change_nothing_without_a_token_that_is_set() throws Exception {
    start("WAYBILL_TOKEN", "");

    expectProblem(403, "WAYBILL_TOKEN is not set", ask("POST", "/queues/x/pause"));
    expectProblem(403, "is not set", ask("POST", "/queues/x/pause", "Authorization", "Bearer "));
    assertEquals(200, ask("GET", "/jobs").statusCode());
  }

  @Test
  void should_not_speak_to_pages_that_call_this_host_by_another_name() throws Exception {
    start();
    assertTrue(raw("GET /jobs HTTP/1.1", "Host: evil.example").startsWith("HTTP/1.1 401"));
  }

  @Test
  void should_not_take_a_proxys_visitors_for_its_own_host() throws Exception {
    start();
    String here = "Host: 127.0.0.1";

    assertTrue(raw("GET /jobs HTTP/1.1", here).startsWith("HTTP/1.1 200"));
    assertTrue(raw("GET /jobs HTTP/1.0", here).startsWith("HTTP/1.0 401"));
    assertTrue(raw("GET /jobs HTTP/1.1", here, "X-Real-IP: 192.0.2.7").contains(" 401 "));
    assertTrue(raw("GET /jobs HTTP/1.1", here, "Via: 1.1 proxy").contains(" 401 "));
    assertTrue(raw("GET /jobs?q=100% HTTP/1.1", here).startsWith("HTTP/1.1 400"));
  }

  @Test
  void should_not_count_a_forgotten_page_as_guessing() throws Exception {
    start();
    for (int i = 0; i < 30; i++) {
      assertEquals(401, ask("GET", "/jobs", "Authorization", "Bearer old").statusCode());
    }

    assertEquals(404, change("/jobs/987654/cancel").statusCode());
  }

  /** As no HTTP client of Java's would ask. */
  private String raw(String... lines) throws Exception {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket
          .getOutputStream()
          .write(
              (String.join("\r\n", lines) + "\r\nConnection: close\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void should_say_what_is_wrong_with_a_request() throws Exception {
    start();

    expectProblem(400, "state: expected one of", ask("GET", "/jobs?state=lost"));
    expectProblem(400, "page: expected a number", ask("GET", "/jobs?page=0"));
    expectProblem(400, "size: expected a number", ask("GET", "/jobs?size=100000"));
    expectProblem(400, "taskId: expected a number", ask("GET", "/jobs/x"));
    expectProblem(404, "there is no such job", ask("GET", "/jobs/987654"));
    expectProblem(404, "there is no such job", change("/jobs/987654/retry"));
    expectProblem(404, "queue: expected one of", ask("GET", "/jobs/monitoring/x"));
    expectProblem(404, "nothing here", ask("GET", "/jobs/1/lunch"));
    expectProblem(404, "there is no such log", ask("GET", "/jobs/987654/log"));
    expectProblem(400, "taskId", ask("GET", "/events?taskId=x"));
  }

  @Test
  void should_pause_and_resume_a_queue() throws Exception {
    start();
    String queue = "/queues/" + Shop.INBOX;

    assertEquals(200, change(queue + "/pause").statusCode());
    long taskId = shop.order("ok");
    awaitState(taskId, "ready");
    JsonNode paused = get("/jobs/monitoring/" + Shop.INBOX);
    assertTrue(paused.path("paused").asBoolean());
    assertEquals(1, paused.path("ready").asInt());
    assertEquals(200, change(queue + "/resume").statusCode());

    awaitState(taskId, "done");
    assertEquals(
        1.0, get("/jobs/monitoring/" + Shop.INBOX).path("donePerMinute").path("1").asDouble());
  }

  @Test
  void should_set_many_going_after_a_dry_run() throws Exception {
    start("WAYBILL_RETRY_TRIES", "1");
    List<Long> dead = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      shop.breakRclone("move", "exit-7");
      dead.add(shop.order("ok"));
      awaitState(dead.get(i), "dead");
    }

    assertTrue(change("/jobs/retry").body().contains("\"matching\":2"));
    assertEquals("dead", shop.ledger("state", dead.get(0)));
    assertTrue(change("/jobs/retry?dryRun=false").body().contains("\"going\":2"));

    for (long taskId : dead) {
      awaitState(taskId, "done");
    }
  }

  @Test
  void should_find_no_others_when_the_same_is_asked_for_twice() throws Exception {
    start("WAYBILL_RETRY_TRIES", "1");
    shop.breakRclone("move", "exit-7");
    long first = shop.order("ok");
    awaitState(first, "dead");
    shop.breakRclone("move", "exit-7");
    long second = shop.order("ok");
    awaitState(second, "dead");
    // The first one's number is in the second one's folder, and in nothing that is looked at first.
    shop.update(
        "UPDATE waybill_job SET folder = ?, order_id = 'x' WHERE task_id = ?",
        "Course " + first,
        second);
    String again = "/jobs/retry?dryRun=false&q=" + first;

    assertTrue(change(again).body().contains("\"going\":1"));
    awaitState(first, "done");

    assertTrue(change(again).body().contains("\"going\":0"));
    assertEquals("dead", shop.ledger("state", second));
  }

  @Test
  void should_tell_a_page_what_happens_to_its_task_in_any_process() throws Exception {
    start("WORKER_COUNT", "1");
    long other = shop.task("enrolled", Shop.url("ok"));
    long taskId = shop.task("enrolled", Shop.url("ok"));
    List<String> heard = Collections.synchronizedList(new ArrayList<>());
    HttpResponse<InputStream> stream =
        http.send(
            HttpRequest.newBuilder(
                    URI.create("http://127.0.0.1:" + port + "/events?taskId=" + taskId))
                .build(),
            HttpResponse.BodyHandlers.ofInputStream());
    Thread reader =
        new Thread(
            () -> {
              try (BufferedReader lines =
                  new BufferedReader(
                      new InputStreamReader(stream.body(), StandardCharsets.UTF_8))) {
                lines.lines().forEach(heard::add);
              } catch (IOException | java.io.UncheckedIOException closed) {
                // the test is over
              }
            });
    reader.setDaemon(true);
    reader.start();
    until(() -> heard.contains(": listening"), "the stream is open");

    shop.push(other, Shop.url("ok"));
    shop.push(taskId, Shop.url("ok"));

    until(() -> heard.stream().anyMatch(line -> line.contains("\"CLEANUP\"")), "all is told");
    assertTrue(heard.stream().anyMatch(line -> line.contains("\"DOWNLOAD_START\"")));
    assertTrue(heard.stream().noneMatch(line -> line.contains("\"taskId\":" + other + ",")));
    stream.body().close();
  }

  @Test
  void should_tell_of_every_try_with_its_exit_code() throws Exception {
    start("WAYBILL_RETRY_TRIES", "2");
    shop.breakRclone("move", "exit-5", "exit-5");
    long taskId = shop.order("fails-once");
    awaitState(taskId, "dead");
    until(() -> get("/jobs/" + taskId).path("tries").size() == 4, "its tries are written");

    JsonNode tries = get("/jobs/" + taskId).path("tries");
    List<String> told = new ArrayList<>();
    for (JsonNode one : tries) {
      told.add(
          one.path("stage").asText()
              + " "
              + one.path("outcome").asText()
              + " "
              + one.path("exitCode"));
      assertFalse(one.path("startedAt").asText().compareTo(one.path("endedAt").asText()) > 0);
      assertTrue(one.path("ms").isIntegralNumber());
    }
    assertEquals(
        List.of("download failed 7", "download done null", "upload failed 5", "upload failed 5"),
        told);
    assertTrue(tries.get(0).path("reason").asText().contains("exit code 7"));
    assertFalse(tries.get(0).path("worker").asText().isEmpty());
  }

  @Test
  void should_know_how_far_a_job_of_another_process_is() throws Exception {
    start("WORKER_COUNT", "1");
    change("/queues/" + Shop.INBOX + "/pause");
    long taskId = shop.order("half");
    awaitState(taskId, "ready");
    shop.update(
        "INSERT INTO waybill_worker (id, host, pid, started_at, seen_at, lease_ms)"
            + " VALUES ('other', 'elsewhere', 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), 600000)");
    shop.update(
        "UPDATE waybill_job SET state = 'running', owner = 'other', claimed_at = UTC_TIMESTAMP(6)"
            + " WHERE task_id = ?",
        taskId);

    assertTrue(get("/jobs/" + taskId).path("percent").isNull());
    String progress =
        "{\"at\":\"%s\",\"event\":\"PROGRESS\",\"taskId\":%d,\"stage\":\"%s\",\"percent\":%d,\"file\":\"a.mp4\"}";
    String now = java.time.Instant.now().toString();
    shop.redis().publish("waybill:events", progress.formatted(now, taskId, "download", 37));

    until(() -> get("/jobs/" + taskId).path("percent").asInt() == 37, "it was heard");
    assertEquals("a.mp4", get("/jobs?state=running").path("jobs").get(0).path("file").asText());
    assertEquals(1, get("/jobs/monitoring/report").path("running").path("download").asInt());
    String another = progress.formatted(now, taskId, "upload", 50);
    shop.redis().publish("waybill:events", another);
    until(() -> get("/jobs/" + taskId).path("percent").isNull(), "it is at another stage");
  }

  @Test
  void should_draw_the_last_hour_minute_by_minute() throws Exception {
    start("WAYBILL_RETRY_TRIES", "1");
    long vip = shop.task("enrolled", Shop.url("ok"));
    shop.pushVip(vip, Shop.url("ok"));
    long before = shop.order("ok");
    long dead = shop.order("fails-always");
    awaitState(vip, "done");
    awaitState(before, "done");
    awaitState(dead, "dead");
    shop.update(
        "UPDATE waybill_job SET finished_at = finished_at - INTERVAL 10 MINUTE WHERE task_id = ?",
        before);

    JsonNode series = get("/jobs/monitoring/series");

    JsonNode first = series.path("queues").get(0);
    JsonNode second = series.path("queues").get(1);
    assertEquals(Shop.VIP_INBOX, first.path("queue").asText());
    assertEquals(60, first.path("done").size());
    assertEquals(1, first.path("done").get(59).asInt());
    assertEquals(0, first.path("dead").get(59).asInt());
    assertEquals(1, second.path("done").get(49).asInt());
    assertEquals(1, second.path("dead").get(59).asInt());
    assertTrue(series.path("averageMs").path("webhook").get(59).isIntegralNumber());
    assertTrue(series.path("averageMs").path("webhook").get(58).isNull());
  }

  @Test
  void should_set_many_cancelled_ones_going_too() throws Exception {
    start();
    change("/queues/" + Shop.INBOX + "/pause");
    long taskId = shop.order("ok");
    awaitState(taskId, "ready");
    change("/jobs/" + taskId + "/cancel");

    assertTrue(change("/jobs/retry").body().contains("\"matching\":0"));
    assertTrue(change("/jobs/retry?state=cancelled").body().contains("\"matching\":1"));
    expectProblem(400, "expected one of [dead, cancelled]", change("/jobs/retry?state=done"));
    assertTrue(change("/jobs/retry?state=cancelled&dryRun=false").body().contains("\"going\":1"));

    assertEquals("ready", shop.ledger("state", taskId));
  }

  @Test
  void should_find_by_any_part_and_by_the_whole_of_a_task_id() throws Exception {
    start();
    long taskId = shop.order("fails-always");
    awaitState(taskId, "dead");
    shop.update(
        "UPDATE waybill_job SET order_id = 'ORD-2%_7', folder = 'Nấu Ăn' WHERE task_id = ?",
        taskId);

    for (String text :
        List.of("ord-2%", "nấu ăn", "NGUYỄN@EX", "course/fails", String.valueOf(taskId))) {
      String q = URLEncoder.encode(text, StandardCharsets.UTF_8);
      for (String state : List.of("", "&state=dead")) {
        assertEquals(1, get("/jobs?q=" + q + state).path("jobs").size(), text + state);
      }
      assertEquals(0, get("/jobs?state=done&q=" + q).path("jobs").size(), text);
    }
    assertEquals(0, get("/jobs?q=ORD-2_7").path("jobs").size());
  }

  @Test
  void should_serve_the_page_to_anybody_and_nothing_else() throws Exception {
    start();

    HttpResponse<String> page = ask("GET", "/", "X-Forwarded-For", "192.0.2.7");
    assertEquals(200, page.statusCode());
    String policy = page.headers().firstValue("Content-Security-Policy").orElse("");
    assertTrue(policy.startsWith("default-src 'none'; script-src 'self'"), policy);
    assertFalse(policy.contains("unsafe"), policy);
    assertEquals(200, ask("GET", "/page/task.js", "X-Forwarded-For", "192.0.2.7").statusCode());
    expectProblem(404, "nothing here", ask("GET", "/page/other.js"));
    for (String path : List.of("/page/../application.properties", "/page/%2e%2e/logback.xml")) {
      assertEquals(404, ask("GET", path).statusCode(), path);
    }
    expectProblem(401, "", ask("GET", "/page/other.js", "X-Forwarded-For", "192.0.2.7"));
    expectProblem(401, "", ask("POST", "/"));
  }

  @Test
  void should_document_every_path_that_it_answers() throws Exception {
    start();
    JsonNode document = get("/openapi.json");

    assertTrue(document.path("openapi").asText().startsWith("3."));
    for (Map.Entry<String, JsonNode> path : document.path("paths").properties()) {
      String url = path.getKey().replace("{taskId}", "987654").replace("{queue}", Shop.INBOX);
      if (url.equals("/events")) {
        continue;
      }
      for (Map.Entry<String, JsonNode> method : path.getValue().properties()) {
        HttpResponse<String> answer =
            ask(
                method.getKey().toUpperCase(java.util.Locale.ROOT),
                url,
                "Authorization",
                "Bearer " + TOKEN);
        assertFalse(answer.body().contains("nothing here"), url);
        assertTrue(
            method.getValue().path("responses").has(String.valueOf(answer.statusCode())),
            url + " answered " + answer.statusCode());
      }
    }
  }
}
