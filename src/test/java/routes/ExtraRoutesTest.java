package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import routes.monitoring.EventsComponent.EventsEndpoint;
import servers.LocalProcess;
import servers.Shop;
import servers.WebhookReceiver;
import servers.WorkerJar;

/** Routes of the operator's own, beside ours. */
class ExtraRoutesTest extends WorkerTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Path routes(String name, String text) throws IOException {
    Path routes = Files.createDirectories(directory.resolve("own routes"));
    Files.writeString(routes.resolve(name), text);
    return routes;
  }

  private static String route(String id, String from, String... steps) {
    StringBuilder text =
        new StringBuilder("- route:\n    id: " + id + "\n    from:\n      uri: \"" + from + "\"\n");
    text.append("      steps:\n");
    for (String step : steps) {
      text.append("        - ").append(step).append('\n');
    }
    return text.toString();
  }

  @Test
  void should_tell_a_chat_about_a_dead_job() throws Exception {
    Path example = Path.of("docs", "examples", "chat-on-dead.yaml");
    Path routes = routes("chat-on-dead.yaml", Files.readString(example));
    LocalProcess worker =
        startJar(
            "WAYBILL_ROUTES_DIR",
            routes.toString(),
            "CHAT_URL",
            shop.webhook().url() + "?key=chat-secret",
            "WAYBILL_RETRY_TRIES",
            "1");
    shop.webhook().answer(0, WebhookReceiver.Answer.of(404));
    shop.breakRclone("move", "exit-7", "exit-7");

    long refused = shop.order("ok");
    awaitState(refused, "dead");
    until(() -> shop.webhook().calls(0).size() == 1, "the chat is called");
    long told = shop.order("ok");
    awaitState(told, "dead");
    until(() -> shop.webhook().calls(0).size() == 2, "the chat is called again");

    WebhookReceiver.Call call = shop.webhook().calls(0).get(1);
    assertEquals("application/json", call.headers().get("content-type"));
    JsonNode text = JSON.readTree(call.body()).path("text");
    assertTrue(
        text.asText().startsWith("Task " + told + " is dead after upload: ")
            && text.asText().contains("exit code 7"),
        new String(call.body(), StandardCharsets.UTF_8));
    String log = log();
    assertTrue(log.contains("The chat answered 404"), log);
    assertFalse(log.contains("chat-secret"), log);
    worker.close();
  }

  @Test
  void should_give_an_event_to_those_who_asked_for_it() throws Exception {
    Path seen = directory.resolve("seen");
    startWorker(
        "WAYBILL_ROUTES_DIR",
        routes(
                "own.yaml",
                route(
                    "own",
                    "events:COMPLETED,CLEANUP",
                    "marshal: { json: {} }",
                    "to: 'file:" + directory + "?fileName=seen&fileExist=Append&appendChars=\\n'"))
            .toString());

    long taskId = shop.order("ok");
    until(() -> Files.readAllLines(seen).size() == 2, "both events");

    JsonNode completed = JSON.readTree(Files.readAllLines(seen).get(0));
    assertEquals("COMPLETED", completed.path("event").asText());
    assertEquals(taskId, completed.path("taskId").asLong());
    assertEquals(
        shop.events(taskId).stream().filter(completed::equals).findFirst(), Optional.of(completed));
    assertTrue(Files.readAllLines(seen).get(1).contains("CLEANUP"));
  }

  @Test
  void should_drop_events_rather_than_make_a_job_wait() throws Exception {
    WorkerProcess worker =
        startWorker(
            "WAYBILL_ROUTES_DIR",
            routes(
                    "slow.yaml",
                    route("slow", "events:all?queueSize=1", "delay: { constant: 600000 }"))
                .toString(),
            "WAYBILL_SHUTDOWN_GRACE",
            "0s");

    List<Long> tasks = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      tasks.add(shop.order("ok"));
    }
    for (long taskId : tasks) {
      awaitState(taskId, "done");
    }

    EventsEndpoint endpoint = (EventsEndpoint) worker.camel().getRoute("slow").getEndpoint();
    assertTrue(endpoint.getDropped() > 50, () -> "dropped " + endpoint.getDropped());
    String log = log();
    assertEquals(1, log.lines().filter(line -> line.contains("Route slow reads events")).count());
  }

  @ParameterizedTest
  @CsvSource({
    "'- route: {id: [', not YAML",
    "'just text', a list of routes",
    "'- route: {id: own, from: {uri: timer:own, steps: [{fly: {}}]}}', fly",
    "'- route: {id: upload, from: {uri: timer:own, steps: []}}', the route id 'upload' is taken",
    "'- route: {from: {uri: timer:own, steps: []}}', an id for every route",
    "'- route: {id: own, from: {uri: redis-bell:ready, steps: []}}', would take what",
    "'- route: {id: own, from: {uri: \"direct:upload\", steps: []}}', would take what",
    "'- route: {id: own, from: {uri: \"timer://keep-house?period=1\", steps: []}}', would take what",
    "'- route: {id: own, from: {uri: nothing:own, steps: []}}', nothing",
    "'- route: {id: own, from: {uri: events:GONE, steps: []}}', GONE",
    "'- routeConfiguration: {onException: []}', expected items of",
    "'- beans: [{name: programs, type: java.util.ArrayList}]', 'programs' is taken"
  })
  void should_not_start_with_a_file_that_cannot_be_used(String text, String expected)
      throws Exception {
    Path routes = routes("bad.yaml", text);
    WorkerProcess worker = newWorker("WAYBILL_ROUTES_DIR", routes.toString());

    Exception failure = assertThrows(Exception.class, worker::start);

    StringBuilder said = new StringBuilder();
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      said.append(cause.getMessage()).append('\n');
    }
    assertTrue(said.toString().contains(routes.resolve("bad.yaml") + ": "), said.toString());
    if (!expected.equals("not YAML")) {
      assertTrue(said.toString().contains(expected), said.toString());
    }
  }

  @Test
  void should_end_with_1_and_the_name_of_the_file() throws Exception {
    Path routes = routes("bad.yaml", route("upload", "timer:own", "log: own"));
    LocalProcess worker = adopt(WorkerJar.start(shop, "WAYBILL_ROUTES_DIR", routes.toString()));

    assertEquals(1, worker.awaitExit(Shop.PATIENCE));
    String log = Files.readString(shop.logs().resolve("worker-error.log"));
    assertTrue(log.contains(routes.resolve("bad.yaml") + ": the route id 'upload' is taken"), log);
  }
}
