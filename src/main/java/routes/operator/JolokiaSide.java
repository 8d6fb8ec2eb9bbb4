package routes.operator;

import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jolokia.json.JSONObject;
import org.jolokia.json.JSONStructure;
import org.jolokia.server.core.config.ConfigKey;
import org.jolokia.server.core.config.StaticConfiguration;
import org.jolokia.server.core.http.HttpRequestHandler;
import org.jolokia.server.core.request.EmptyResponseException;
import org.jolokia.server.core.request.JolokiaRequest;
import org.jolokia.server.core.service.JolokiaServiceManagerFactory;
import org.jolokia.server.core.service.api.JolokiaContext;
import org.jolokia.server.core.service.api.JolokiaServiceManager;
import org.jolokia.server.core.service.impl.QuietLogHandler;
import org.jolokia.service.jmx.LocalRequestHandler;
import org.jolokia.service.serializer.JolokiaSerializer;

/**
 * JMX over HTTP, for Hawtio: {@code /observe/jolokia}, off unless it is asked for, and then on
 * loopback only. Jolokia's clients read with POST, so what counts is what a request wants: reading
 * needs nothing on this host, starting and stopping routes needs the token, and a POST. A page of
 * another site, shown by a browser on this host, gets nothing: its Origin gives it away.
 *
 * <p>Not Camel's own: that one's policy cannot tell who asks.
 */
public final class JolokiaSide implements AutoCloseable {
  static final String PATH = "/observe/jolokia";
  private static final int LONGEST_REQUEST = 256 * 1024;
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

  private final Access access;
  private final JmxAccess policy = new JmxAccess();
  private final JolokiaServiceManager services;
  private final HttpRequestHandler jolokia;

  /**
   * @param tokens none if none is set: then nothing can be changed
   */
  public JolokiaSide(List<String> tokens, Clock clock) {
    access = new Access(tokens, clock);
    services =
        JolokiaServiceManagerFactory.createJolokiaServiceManager(
            new StaticConfiguration(
                ConfigKey.AGENT_ID, "waybill",
                ConfigKey.DISABLE_DETECTORS, "true",
                ConfigKey.DISCOVERY_ENABLED, "false",
                ConfigKey.ALLOW_ERROR_DETAILS, "false"),
            new QuietLogHandler(),
            policy);
    services.addService(new JolokiaSerializer());
    services.addService(new LocalRequestHandler(1));
    jolokia = new Handler(services.start());
  }

  /** Asks the policy about every request; Jolokia itself does not for configuration and notices. */
  private final class Handler extends HttpRequestHandler {
    Handler(JolokiaContext context) {
      super(context);
    }

    @Override
    protected JSONObject executeRequest(JolokiaRequest request) throws EmptyResponseException {
      if (policy.isTypeAllowed(request.getType())) {
        return super.executeRequest(request);
      }
      return getErrorJSON(403, new SecurityException(request.getType() + " is refused"), request);
    }
  }

  /** Before what guards the rest, which takes every POST for a change. */
  public void mount(Router router) {
    String here = PATH + "(/.*)?";
    router.routeWithRegex(here).order(Integer.MIN_VALUE).handler(this::guard);
    router
        .routeWithRegex(here)
        .order(Integer.MIN_VALUE)
        .handler(BodyHandler.create(false).setBodyLimit(LONGEST_REQUEST));
    router.routeWithRegex(here).order(Integer.MIN_VALUE).blockingHandler(this::answer, false);
  }

  private void guard(RoutingContext context) {
    HttpServerRequest request = context.request();
    context
        .response()
        .putHeader("X-Content-Type-Options", "nosniff")
        .putHeader("Cache-Control", "no-store");
    if (!request.method().equals(HttpMethod.GET) && !request.method().equals(HttpMethod.POST)) {
      problem(context, 405, "expected GET or POST");
      return;
    }
    if (!isFromHere(request.getHeader("Origin"))) {
      problem(context, 403, "only pages of this host may ask");
      return;
    }
    Access.Verdict verdict = access.judge(request, false);
    if (verdict == Access.Verdict.READ || verdict == Access.Verdict.ALL) {
      context.put("all", verdict == Access.Verdict.ALL);
      context.next();
    } else if (verdict == Access.Verdict.TOO_MANY_FAILURES) {
      problem(context, 429, "too many wrong tokens from this address: wait a minute");
    } else {
      problem(context, 403, "expected a request from this host, or the token of WAYBILL_TOKEN");
    }
  }

  private static boolean isFromHere(String origin) {
    try {
      return origin == null || LOOPBACK.contains(String.valueOf(URI.create(origin).getHost()));
    } catch (IllegalArgumentException malformed) {
      return false;
    }
  }

  private void answer(RoutingContext context) {
    // A page of another site can make a browser send a GET without an Origin, never a POST.
    boolean changes =
        Boolean.TRUE.equals(context.get("all"))
            && context.request().method().equals(HttpMethod.POST);
    String answer = policy.asking(changes, () -> ask(context).toJSONString());
    context.response().putHeader("Content-Type", "application/json").end(answer);
  }

  private JSONStructure ask(RoutingContext context) {
    HttpServerRequest request = context.request();
    Map<String, String[]> parameters = new HashMap<>();
    for (String name : context.queryParams().names()) {
      parameters.put(name, context.queryParams().getAll(name).toArray(String[]::new));
    }
    try {
      if (request.method().equals(HttpMethod.GET)) {
        String path = URI.create(request.path()).getPath().substring(PATH.length());
        return jolokia.handleGetRequest(request.uri(), path, parameters);
      }
      byte[] body =
          context.body().buffer() == null ? new byte[0] : context.body().buffer().getBytes();
      return jolokia.handlePostRequest(
          request.uri(), new ByteArrayInputStream(body), StandardCharsets.UTF_8.name(), parameters);
    } catch (IOException | EmptyResponseException | RuntimeException e) {
      return jolokia.handleThrowable(e);
    }
  }

  private static void problem(RoutingContext context, int status, String detail) {
    Map<String, Object> problem = new LinkedHashMap<>();
    problem.put("type", "about:blank");
    problem.put("status", status);
    problem.put("detail", detail);
    try {
      context
          .response()
          .setStatusCode(status)
          .putHeader("Content-Type", "application/problem+json")
          .end(Json.MAPPER.writeValueAsString(problem));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    services.stop();
  }
}
