package routes.operator;

import static routes.operator.HttpAnswers.json;
import static routes.operator.HttpAnswers.problem;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.util.List;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import routes.Parts;

/**
 * The operator's HTTP side, on the management port: who may, and which path is answered where.
 * Paths and shapes: CONTRACT.md, section 7, and {@code /openapi.json}, which it serves.
 */
public final class HttpSide {
  private final Access access;
  private final HttpPage page = new HttpPage();
  private final HttpStreams streams;
  private final HttpJobs jobs;
  private final HttpMonitoring monitoring;

  public HttpSide(Parts parts) {
    LastProgress progress = new LastProgress();
    this.access = new Access(parts.settings().http().tokens(), parts.clock());
    this.streams = new HttpStreams(parts.settings(), progress);
    this.jobs = new HttpJobs(parts, progress);
    this.monitoring = new HttpMonitoring(parts);
  }

  /** Adds all of it to the server's routes, behind what guards everything. */
  public void mount(VertxPlatformHttpRouter router) {
    router.route().order(Integer.MIN_VALUE).handler(this::guard);
    page.mount(router);
    get(router, "/jobs", jobs::list);
    get(router, "/jobs/monitoring/report", context -> monitoring.report());
    get(router, "/jobs/monitoring/series", context -> monitoring.series());
    get(router, "/jobs/monitoring/:queue", monitoring::queue);
    get(router, "/jobs/:taskId", jobs::show);
    router.get("/jobs/:taskId/log").blockingHandler(streams::log, false);
    router.get("/events").handler(streams::listen);
    router.get("/openapi.json").blockingHandler(this::openApi, false);
    post(router, "/jobs/retry", jobs::retryMany);
    post(router, "/jobs/:taskId/retry", jobs::retry);
    post(router, "/jobs/:taskId/cancel", jobs::cancel);
    post(router, "/queues/:queue/pause", monitoring::pause);
    post(router, "/queues/:queue/resume", monitoring::resume);
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

  private static void get(Router router, String path, HttpAnswers.Answer answer) {
    router.get(path).blockingHandler(json(answer), false);
  }

  private static void post(Router router, String path, HttpAnswers.Answer answer) {
    router.post(path).blockingHandler(json(answer), false);
  }

  private void guard(RoutingContext context) {
    HttpMethod method = context.request().method();
    boolean changes = !method.equals(HttpMethod.GET) && !method.equals(HttpMethod.HEAD);
    context
        .response()
        .putHeader("X-Content-Type-Options", "nosniff")
        .putHeader("Referrer-Policy", "no-referrer")
        .putHeader("Cache-Control", "no-store")
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
