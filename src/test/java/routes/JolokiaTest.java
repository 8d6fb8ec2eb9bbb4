package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.camel.ServiceStatus;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import servers.Ports;

/** JMX over real HTTP: what it shows, and what it refuses. */
class JolokiaTest extends WorkerTest {
  private static final String TOKEN = "operator-token-33d0";
  private static final String ROUTE =
      "org.apache.camel:context=waybill,name=\"take-payload\",type=routes";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newHttpClient();
  private int port;

  @BeforeEach
  void choosePort() throws Exception {
    port = Ports.free();
  }

  private WorkerProcess start() throws Exception {
    return startWorker(
        "WAYBILL_HTTP_PORT",
        String.valueOf(port),
        "WAYBILL_TOKEN",
        TOKEN,
        "WAYBILL_JOLOKIA_ENABLED",
        "true");
  }

  private HttpResponse<String> send(String path, Object body, String... headers) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/observe/jolokia" + path));
    if (body != null) {
      request.POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(body)));
    }
    if (headers.length > 0) {
      request.headers(headers);
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private JsonNode ask(Map<String, Object> request, String... headers) throws Exception {
    HttpResponse<String> answer = send("", request, headers);
    assertEquals(200, answer.statusCode(), answer.body());
    return JSON.readTree(answer.body());
  }

  private static Map<String, Object> exec(String operation) {
    return Map.of("type", "exec", "mbean", ROUTE, "operation", operation);
  }

  private void expectRefusal(JsonNode answer) {
    assertEquals(403, answer.path("status").asInt(), answer.toString());
    assertTrue(answer.path("value").isMissingNode(), answer.toString());
  }

  @Test
  void should_show_routes_queues_worker_and_jobs() throws Exception {
    WorkerProcess worker = start();
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");

    JsonNode route = ask(Map.of("type", "read", "mbean", ROUTE, "attribute", "State"));
    assertEquals("Started", route.path("value").asText());
    JsonNode own = ask(Map.of("type", "read", "mbean", "waybill:*")).path("value");
    Set<String> types = new TreeSet<>();
    own.fieldNames().forEachRemaining(name -> types.add(name.replaceAll(".*type=(\\w+).*", "$1")));
    assertEquals(Set.of("Breakers", "Events", "Holds", "Queue", "Worker"), types);
    JsonNode process = own.path("waybill:type=Worker,worker=\"" + id(worker) + "\"");
    if (process.isMissingNode()) {
      process = own.path("waybill:worker=\"" + id(worker) + "\",type=Worker");
    }
    assertEquals(taskId + ": download, try 1", process.path("Jobs").get(0).asText());
    assertEquals(5, process.path("Slots").asInt());
    assertEquals(1, process.path("Busy").asInt());
    JsonNode queue =
        ask(Map.of("type", "read", "mbean", "waybill:type=Queue,name=\"rq:queue:downloads\",*"))
            .path("value")
            .elements()
            .next();
    assertEquals(1, queue.path("Running").asInt(), queue.toString());
    assertFalse(queue.path("Paused").asBoolean());
    shop.goOn(taskId);
    awaitState(taskId, "done");
  }

  private static String id(WorkerProcess worker) {
    return worker.parts().lease().worker().id();
  }

  @Test
  void should_start_and_stop_routes_with_the_token_only() throws Exception {
    WorkerProcess worker = start();

    expectRefusal(ask(exec("stop()")));
    expectRefusal(
        JSON.readTree(send("/exec/" + ROUTE.replace("\"", "%22") + "/stop()", null).body()));
    assertEquals(ServiceStatus.Started, status(worker));
    JsonNode stopped = ask(exec("stop()"), "Authorization", "Bearer " + TOKEN);
    assertEquals(200, stopped.path("status").asInt(), stopped.toString());
    assertEquals(ServiceStatus.Stopped, status(worker));
    assertEquals(
        200, ask(exec("start()"), "Authorization", "Bearer " + TOKEN).path("status").asInt());

    long taskId = shop.order("ok");
    awaitState(taskId, "done");
  }

  private static ServiceStatus status(WorkerProcess worker) {
    return worker.camel().getRouteController().getRouteStatus("take-payload");
  }

  /** With the token: what is refused then is refused to everybody. */
  @ParameterizedTest
  @CsvSource({
    "read, java.lang:type=Runtime, SystemProperties",
    "read, java.lang:type=Runtime, InputArguments",
    "read, java.lang:type=Runtime,",
    "read, 'java.lang:type=MemoryPool,*', Usage",
    "read, java.util.logging:type=Logging, LoggerNames",
    "write, org.apache.camel:context=waybill\\,name=\"take-payload\"\\,type=routes, TracingEnabled",
    "exec, com.sun.management:type=DiagnosticCommand, vmSystemProperties()",
    "exec, com.sun.management:type=HotSpotDiagnostic, 'dumpHeap(java.lang.String,boolean)'",
    "exec, java.lang:type=Memory, gc()",
    "config, java.lang:type=Memory,",
    "notification, java.lang:type=Memory,"
  })
  void should_refuse_everything_else(String type, String name, String what) throws Exception {
    start();
    String attribute = what == null ? "" : what;

    HttpResponse<String> answer =
        send(
            "",
            Map.of(
                "type",
                type,
                "mbean",
                name.replace("\\", ""),
                "attribute",
                attribute,
                "operation",
                attribute,
                "value",
                "true",
                "command",
                "register"),
            "Authorization",
            "Bearer " + TOKEN);

    assertFalse(answer.body().contains("java.home"), answer.body());
    assertFalse(JSON.readTree(answer.body()).path("status").asInt() == 200, answer.body());
  }

  @ParameterizedTest
  @CsvSource({
    "dumpRoutesAsXml(boolean\\,boolean)",
    "remove()",
    "suspend()",
    "stop(java.lang.Long\\,java.lang.Boolean)"
  })
  void should_refuse_every_other_operation_of_a_route(String operation) throws Exception {
    start();

    expectRefusal(ask(exec(operation.replace("\\", "")), "Authorization", "Bearer " + TOKEN));
  }

  @Test
  void should_list_nothing_but_what_may_be_read() throws Exception {
    start();

    JsonNode list = ask(Map.of("type", "list")).path("value");
    Set<String> domains = new TreeSet<>();
    list.fieldNames().forEachRemaining(domains::add);
    assertEquals(Set.of("java.lang", "org.apache.camel", "waybill"), domains);
    JsonNode all = ask(Map.of("type", "search", "mbean", "*:*")).path("value");
    assertTrue(all.size() > 20);
    for (JsonNode name : all) {
      assertTrue(domains.contains(name.asText().split(":")[0]), name.asText());
    }
    String everything = send("", Map.of("type", "read", "mbean", "*:*")).body();
    for (String secret : new String[] {"java.home", "-Xmx", TOKEN, "db-password", "nguy"}) {
      assertFalse(everything.contains(secret), secret);
    }
    String routes =
        send(
                "",
                Map.of(
                    "type", "exec",
                    "mbean", "org.apache.camel:context=waybill,type=context,name=\"waybill\"",
                    "operation", "dumpRoutesAsXml()"))
            .body();
    assertTrue(routes.contains("claim-in-ledger"), routes);
  }

  @Test
  void should_answer_no_page_of_another_site_and_nobody_elsewhere() throws Exception {
    start();
    Map<String, Object> request = Map.of("type", "version");

    for (String[] headers :
        new String[][] {
          {"Origin", "https://evil.example"},
          {"Origin", "null"},
          {"Origin", "http://localhost.evil.example"},
          {"X-Forwarded-For", "192.0.2.1"},
          {"Authorization", "Bearer wrong"},
          {"Authorization", "Basic b3BlcmF0b3I6"}
        }) {
      HttpResponse<String> answer = send("", request, headers);
      assertEquals(403, answer.statusCode(), () -> headers[1] + answer.body());
    }
    HttpResponse<String> here = send("", request, "Origin", "http://localhost:8090");
    assertEquals(200, here.statusCode());
    assertTrue(here.headers().firstValue("Access-Control-Allow-Origin").isEmpty());
  }

  @Test
  void should_not_be_there_unless_asked_for() throws Exception {
    startWorker("WAYBILL_HTTP_PORT", String.valueOf(port), "WAYBILL_TOKEN", TOKEN);

    assertEquals(404, send("", null).statusCode());
    assertEquals(
        404, send("", Map.of("type", "version"), "Authorization", "Bearer " + TOKEN).statusCode());
  }
}
