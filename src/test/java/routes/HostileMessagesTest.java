package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RemoveHeadersDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.support.DefaultConsumer;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.Test;
import servers.Ports;
import servers.Shop;

/** Nothing that comes from outside steers Camel: what it would steer with are headers. */
class HostileMessagesTest extends WorkerTest {
  /** What these routes get was made by this process. */
  private static final Set<String> INSIDE = Set.of("timer", "direct", "seda");

  private Path mark;

  /** Each would leave the mark, or send what is secret elsewhere. */
  private Map<String, Object> orders() {
    Map<String, Object> orders = new LinkedHashMap<>();
    orders.put("CamelExecCommandExecutable", "/usr/bin/touch");
    orders.put("CamelExecCommandArgs", List.of(mark.toString()));
    orders.put("CamelExecCommandWorkingDir", "/");
    orders.put("CamelExecUseStderrOnEmptyStdout", "true");
    orders.put("CamelSqlQuery", "UPDATE download_tasks SET status = 'completed'");
    orders.put("CamelSqlUpdateCount", 1);
    orders.put("CamelHttpUri", shop.webhook().url().replace("webhook", "elsewhere"));
    orders.put("CamelHttpPath", "/elsewhere");
    orders.put("CamelHttpQuery", "to=elsewhere");
    orders.put("CamelHttpMethod", "GET");
    orders.put("CamelHttpResponseCode", 200);
    orders.put("CamelFileName", mark.toString());
    orders.put("CamelRedis.Command", "FLUSHALL");
    orders.put("CamelRedelivered", true);
    orders.put("waybill.flight", "x");
    return orders;
  }

  @Test
  void should_forget_headers_first_wherever_something_comes_in() throws Exception {
    WorkerProcess worker = startWorker();
    int entries = 0;
    for (RouteDefinition route : ((ModelCamelContext) worker.camel()).getRouteDefinitions()) {
      String scheme = route.getInput().getEndpointUri().split(":")[0];
      if (INSIDE.contains(scheme)) {
        continue;
      }
      entries++;
      ProcessorDefinition<?> first =
          route.getOutputs().stream().filter(step -> !step.isAbstract()).findFirst().orElseThrow();
      assertTrue(
          first instanceof RemoveHeadersDefinition removal
              && removal.getPattern().equals("*")
              && removal.getExcludePattern() == null,
          route.getRouteId() + " begins with " + first);
    }
    assertEquals(3, entries);
  }

  @Test
  void should_obey_no_message() throws Exception {
    mark = directory.resolve("mark");
    int port = Ports.free();
    WorkerProcess worker = startWorker("WAYBILL_HTTP_PORT", String.valueOf(port));
    long bystander = shop.task("pending", Shop.url("ok"));
    ObjectMapper json = new ObjectMapper();
    long taskId = shop.task("enrolled", Shop.url("ok"));
    ObjectNode payload = (ObjectNode) json.readTree(Shop.payload(taskId, Shop.url("ok")));
    orders().forEach(payload::putPOJO);
    String text = json.writeValueAsString(payload);
    shop.redis().publish("waybill:enrolled", json.writeValueAsString(orders()));
    shop.redis().publish("waybill:enrolled", taskId + " OR 1=1");
    shop.redis().publish("waybill:events", json.writeValueAsString(orders()));
    shop.redis().zadd("waybill:ready", 1, "1; rm -rf /");
    askWithOrders(port);

    shop.redis().lpush(Shop.INBOX, text);
    awaitState(taskId, "done");

    // As if one of the components let the sender's headers through.
    long second = shop.task("enrolled", Shop.url("ok"));
    give(worker, "take-payload", List.of(Shop.payload(second, Shop.url("ok")).getBytes()));
    give(worker, "wake-enrolled", String.valueOf(second));
    awaitState(second, "done");
    long third = shop.order("ok");
    give(worker, "claim-job", String.valueOf(third));
    awaitState(third, "done");

    for (long each : List.of(taskId, second, third)) {
      assertEquals(1, shop.downloads(each));
      assertEquals(1, shop.webhook().calls(each).size());
      assertTrue(shop.webhook().calls(each).get(0).signed());
    }
    until(() -> shop.redis().zcard("waybill:ready") == 0, "what was no id is dropped");
    assertEquals("pending", shop.status(bystander));
    assertEquals(0, shop.webhook().elsewhere());
    assertTrue(!Files.exists(mark), "a command of the sender's was run");
  }

  private void askWithOrders(int port) throws Exception {
    StringBuilder query = new StringBuilder();
    HttpRequest.Builder request =
        HttpRequest.newBuilder().header("X-Camel", "x").timeout(Shop.PATIENCE);
    orders()
        .forEach(
            (name, value) -> {
              request.header(name, value.toString());
              query
                  .append(query.isEmpty() ? '?' : '&')
                  .append(name)
                  .append('=')
                  .append(java.net.URLEncoder.encode(value.toString(), StandardCharsets.UTF_8));
            });
    HttpResponse<String> answer =
        HttpClient.newHttpClient()
            .send(
                request.uri(URI.create("http://127.0.0.1:" + port + "/jobs" + query)).build(),
                HttpResponse.BodyHandlers.ofString());
    assertEquals(200, answer.statusCode(), answer.body());
    assertTrue(answer.headers().map().keySet().stream().noneMatch(n -> n.startsWith("camel")));
  }

  /** Into the route, where its consumer would put it. */
  private void give(WorkerProcess worker, String route, Object body) throws Exception {
    Exchange exchange = new DefaultExchange(worker.camel());
    orders().forEach(exchange.getIn()::setHeader);
    exchange.getIn().setBody(body);
    ((DefaultConsumer) worker.camel().getRoute(route).getConsumer())
        .getProcessor()
        .process(exchange);
    assertEquals(null, exchange.getException());
  }
}
