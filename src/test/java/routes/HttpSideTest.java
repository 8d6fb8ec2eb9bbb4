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
import java.net.ServerSocket;
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
import servers.Shop;

/** The operator's HTTP side, over real HTTP. */
class HttpSideTest extends WorkerTest {
  private static final String TOKEN = "operator-token-33d0";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newHttpClient();
  private int port;

  private WorkerProcess start(String... overrides) throws Exception {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
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
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket
          .getOutputStream()
          .write(
              "GET /jobs HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(answer.startsWith("HTTP/1.1 401"), answer);
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
