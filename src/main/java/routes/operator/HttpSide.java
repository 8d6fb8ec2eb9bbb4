package routes.operator;

import static routes.operator.HttpAnswers.json;
import static routes.operator.HttpAnswers.problem;

import io.vertx.core.Handler;
import io.vertx.core.WorkerExecutor;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import routes.Parts;

/**
 * The operator's HTTP side, on the management port: who may, and which path is answered where.
 * Paths and shapes: CONTRACT.md, section 7, and {@code /openapi.json}, which it serves.
 */
public final class HttpSide {
  /** So many answers are made at once; each may hold one of the database's connections. */
  private static final int AT_ONCE = 4;

  private final Access access;
  private final HttpConnections connections = new HttpConnections();
  private final Map<String, String> allowed = new LinkedHashMap<>();
  private final HttpPage page = new HttpPage();
  private final HttpStreams streams;
  private final HttpJobs jobs;
  private final HttpMonitoring monitoring;
  private WorkerExecutor workers;

  public HttpSide(Parts parts) {
    LastProgress progress = new LastProgress();
    this.access = new Access(parts.settings().http().tokens(), parts.clock());
    this.streams = new HttpStreams(parts.settings(), progress, connections);
    this.jobs = new HttpJobs(parts, progress);
    this.monitoring = new HttpMonitoring(parts);
  }

  /** Who is connected; for the server that listens. */
  public HttpConnections connections() {
    return connections;
  }

  /** Adds all of it to the server's routes, behind what guards everything. */
  public void mount(VertxPlatformHttpRouter router) {
    router.route().order(Integer.MIN_VALUE).handler(this::guard);
    page.mount(router);
    // Not the threads that health is asked on: it answers while these are all at work.
    workers = router.vertx().createSharedWorkerExecutor("operator", AT_ONCE);
    get(router, "/jobs", json(jobs::list));
    get(router, "/jobs/monitoring/report", json(context -> monitoring.report()));
    get(router, "/jobs/monitoring/series", json(context -> monitoring.series()));
    get(router, "/jobs/monitoring/:queue", json(monitoring::queue));
    get(router, "/jobs/:taskId", json(jobs::show));
    get(router, "/jobs/:taskId/log", streams::log);
    get(router, "/openapi.json", this::openApi);
    router.get("/events").handler(streams::listen);
    allowed.put("/events", "GET");
    post(router, "/jobs/retry", json(jobs::retryMany));
    post(router, "/jobs/:taskId/retry", json(jobs::retry));
    post(router, "/jobs/:taskId/cancel", json(jobs::cancel));
    post(router, "/queues/:queue/pause", json(monitoring::pause));
    post(router, "/queues/:queue/resume", json(monitoring::resume));
    page.paths().forEach(path -> allowed.put(path, "GET"));
    allowed.forEach(
        (path, method) -> router.route(path).last().handler(context -> refuse(context, method)));
    for (String path : List.of("/jobs*", "/queues*", "/events", "/openapi.json", "/page*")) {
      router.route(path).last().handler(HttpAnswers::unknown);
    }
    streams.keepAlive(router.vertx());
  }

  /**
   * An event of any process has come.
   *
   * @param json as it is on the Redis channel
   */
  public void tell(String json) {
    streams.tell(json);
  }

  private void get(Router router, String path, Handler<RoutingContext> handler) {
    router.get(path).handler(elsewhere(handler));
    allowed.put(path, "GET");
  }

  private void post(Router router, String path, Handler<RoutingContext> handler) {
    router.post(path).handler(elsewhere(handler));
    allowed.put(path, "POST");
  }

  /** Not on the event loop: it waits for the database, or for the disk. */
  private Handler<RoutingContext> elsewhere(Handler<RoutingContext> handler) {
    return context ->
        workers
            .executeBlocking(
                () -> {
                  handler.handle(context);
                  return null;
                },
                false)
            .onFailure(context::fail);
  }

  private static void refuse(RoutingContext context, String allowed) {
    context.response().putHeader("Allow", allowed);
    problem(context, 405, "expected " + allowed + ", found " + context.request().method().name());
  }

  private void guard(RoutingContext context) {
    HttpMethod method = context.request().method();
    boolean changes = !method.equals(HttpMethod.GET) && !method.equals(HttpMethod.HEAD);
    context
        .response()
        .putHeader("X-Content-Type-Options", "nosniff")
        .putHeader("Referrer-Policy", "no-referrer")
        .putHeader("Cache-Control", "no-store")
        .putHeader("Cross-Origin-Resource-Policy", "same-origin")
        .putHeader("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    if (!changes && page.has(context.request().path())) {
      // The page itself says nothing of anybody, and a person needs a place to type the token in.
      context.next();
      return;
    }
    Access.Verdict verdict = access.judge(context.request(), changes);
    switch (verdict) {
      case READ, ALL -> {
        context.put(HttpAnswers.ALL, verdict == Access.Verdict.ALL);
        context.next();
      }
      case NO_TOKEN, WRONG_TOKEN -> {
        context.response().putHeader("WWW-Authenticate", "Bearer");
        problem(
            context,
            401,
            verdict == Access.Verdict.NO_TOKEN
                ? "expected 'Authorization: Bearer <WAYBILL_TOKEN>', found none"
                : "expected the token of WAYBILL_TOKEN, found another");
      }
      case TOKEN_NOT_SET ->
          problem(
              context, 403, "WAYBILL_TOKEN is not set: only reading from this host is possible");
      default -> problem(context, 429, "too many wrong tokens from this address: wait a minute");
    }
  }

  private void openApi(RoutingContext context) {
    try (var in = HttpSide.class.getResourceAsStream("/openapi.json")) {
      context
          .response()
          .putHeader("Content-Type", "application/json")
          .end(Buffer.buffer(in.readAllBytes()));
    } catch (IOException e) {
      problem(context, 500, "the document cannot be read");
    }
  }
}
