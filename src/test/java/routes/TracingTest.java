package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.ServiceStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import servers.LocalProcess;
import servers.Shop;

/** Traces of jobs, as a real HTTP server receives them in OTLP. */
class TracingTest extends WorkerTest {
  private final List<ExportTraceServiceRequest> received = new CopyOnWriteArrayList<>();
  private final List<String> paths = new CopyOnWriteArrayList<>();
  private HttpServer collector;

  @BeforeEach
  void startCollector() throws Exception {
    collector = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    collector.createContext(
        "/",
        exchange -> {
          paths.add(exchange.getRequestURI().getPath());
          received.add(ExportTraceServiceRequest.parseFrom(exchange.getRequestBody()));
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    collector.start();
  }

  @AfterEach
  void stopCollector() {
    collector.stop(0);
  }

  private String endpoint() {
    return "http://127.0.0.1:" + collector.getAddress().getPort();
  }

  private Stream<ResourceSpans> resources() {
    return received.stream().flatMap(request -> request.getResourceSpansList().stream());
  }

  private List<Span> spans() {
    return resources()
        .flatMap(resource -> resource.getScopeSpansList().stream())
        .flatMap(scope -> scope.getSpansList().stream())
        .toList();
  }

  private Span span(String name) {
    return spans().stream().filter(span -> span.getName().equals(name)).findFirst().orElseThrow();
  }

  private static Map<String, String> attributes(List<KeyValue> values) {
    return values.stream()
        .collect(Collectors.toMap(KeyValue::getKey, value -> value.getValue().getStringValue()));
  }

  private static Set<String> names(List<Span> spans) {
    return spans.stream().map(Span::getName).collect(Collectors.toSet());
  }

  @Test
  void should_send_one_trace_of_a_job_over_its_stages() throws Exception {
    WorkerProcess worker = startWorker("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint());
    String id = worker.parts().lease().worker().id();
    long taskId = shop.order("ok");
    awaitState(taskId, "done");
    worker.stop();
    until(() -> names(spans()).contains("claim-job"), "the trace has come");

    List<Span> spans = spans();
    assertEquals(Set.of("/v1/traces"), Set.copyOf(paths));
    assertEquals(
        1, spans.stream().map(Span::getTraceId).distinct().count(), names(spans)::toString);
    assertTrue(
        names(spans)
            .containsAll(
                Set.of(
                    "claim-job",
                    "download",
                    "run-downloader",
                    "upload",
                    "run-rclone",
                    "post-webhook",
                    "send-webhook",
                    "clean-up",
                    "remove-sandbox")),
        names(spans)::toString);
    List<Span> roots = spans.stream().filter(span -> span.getParentSpanId().isEmpty()).toList();
    assertEquals(1, roots.size());
    assertEquals("claim-job", roots.get(0).getName());
    KeyValue task = roots.get(0).getAttributesList().get(0);
    assertEquals("waybill.task_id", task.getKey());
    assertEquals(taskId, task.getValue().getIntValue());
    Set<ByteString> known = spans.stream().map(Span::getSpanId).collect(Collectors.toSet());
    assertTrue(
        spans.stream().allMatch(s -> s == roots.get(0) || known.contains(s.getParentSpanId())));
    Map<String, String> resource =
        attributes(resources().findFirst().orElseThrow().getResource().getAttributesList());
    assertEquals("waybill", resource.get("service.name"));
    assertEquals(id, resource.get("service.instance.id"));
  }

  @Test
  void should_show_a_failed_try_but_neither_why_nor_for_whom() throws Exception {
    WorkerProcess worker =
        startWorker("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint() + "/", "WAYBILL_RETRY_TRIES", "2");
    shop.breakRclone("move", "exit-5");
    long taskId = shop.order("ok");
    awaitState(taskId, "done");
    worker.stop();
    until(() -> names(spans()).contains("claim-job"), "the trace has come");

    assertEquals(
        List.of("run-rclone"),
        spans().stream()
            .filter(s -> s.getStatus().getCode() == Status.StatusCode.STATUS_CODE_ERROR)
            .map(Span::getName)
            .toList());
    assertEquals(2, spans().stream().filter(s -> s.getName().equals("run-rclone")).count());
    String all = received.toString();
    for (String hidden :
        new String[] {
          Shop.SECRET, Shop.HOST, "nguy", "exit code", shop.webhook().url(), "/webhook", "Course "
        }) {
      assertFalse(all.contains(hidden), hidden + " in " + all);
    }
  }

  @Test
  void should_end_the_trace_of_what_ends_while_the_worker_stops() throws Exception {
    WorkerProcess worker = startWorker("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint());
    long taskId = shop.order("gated");
    until(() -> shop.downloads(taskId) == 1, "it downloads");
    CompletableFuture<Void> stopped = CompletableFuture.runAsync(worker::stop);
    until(() -> worker.camel().getStatus() == ServiceStatus.Stopping, "it stops");

    shop.goOn(taskId);
    stopped.get(40, TimeUnit.SECONDS);

    until(() -> names(spans()).contains("claim-job"), "the trace has come");
    assertEquals(Set.of("claim-job", "download", "run-downloader", "upload"), names(spans()));
    assertEquals(span("claim-job").getSpanId(), span("upload").getParentSpanId());
    assertTrue(
        span("download").getEndTimeUnixNano() <= span("upload").getStartTimeUnixNano(),
        "each ends by itself");
    assertEquals("downloaded", shop.ledger("stage", taskId));
  }

  @Test
  void should_not_even_load_what_is_not_asked_for() throws Exception {
    Path loaded = directory.resolve("loaded");
    LocalProcess worker =
        startJar("JAVA_TOOL_OPTIONS", "-Xlog:class+load:file=" + loaded + ":none");
    long taskId = shop.order("ok");
    awaitState(taskId, "done");
    worker.close();

    List<String> strangers =
        Files.readAllLines(loaded).stream()
            .filter(
                line ->
                    line.matches(
                        "(io\\.opentelemetry|org\\.jolokia|org\\.snakeyaml|org\\.apache\\.camel\\.dsl\\.yaml).*"))
            .toList();
    assertEquals(List.of(), strangers);
    assertTrue(Files.readAllLines(loaded).size() > 1000);
    assertEquals(List.of(), received);
  }
}
