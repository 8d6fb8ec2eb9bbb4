package routes.operator;

import static routes.operator.HttpAnswers.problem;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;

/**
 * How many may be connected, how long they may take for a request, and how much it may hold. All of
 * it runs on the server's one event loop.
 */
public final class HttpConnections {
  /** Beyond these there is an answer for health alone; beyond the second number none at all. */
  private static final int MOST = 1000;

  private static final int MOST_AT_ALL = 1200;

  /** Bytes. Nothing that is asked here has a body; Jolokia's requests have, and their own limit. */
  static final int LARGEST_BODY = 16 * 1024;

  private static final Duration DEFAULT_PATIENCE = Duration.ofSeconds(15);
  private static final Duration LONGEST_ANSWER = Duration.ofSeconds(60);
  private static final String HEALTH = "/observe/health";

  private final BodyHandler bodies = BodyHandler.create(false).setBodyLimit(LARGEST_BODY);
  private final Map<HttpConnection, Long> deadlines = new ConcurrentHashMap<>();
  private final AtomicInteger open = new AtomicInteger();
  private final Set<HttpConnection> done = ConcurrentHashMap.newKeySet();
  private final Duration patience;
  private final Duration longestAnswer;
  private final int most;
  private final int mostAtAll;
  private Vertx vertx;

  HttpConnections() {
    this(DEFAULT_PATIENCE, LONGEST_ANSWER, MOST, MOST_AT_ALL);
  }

  /**
   * @param patience for a request's head, and between two requests
   * @param longestAnswer from a request's head to the end of its answer
   */
  HttpConnections(Duration patience, Duration longestAnswer, int most, int mostAtAll) {
    this.patience = patience;
    this.longestAnswer = longestAnswer;
    this.most = most;
    this.mostAtAll = mostAtAll;
  }

  /** Connections that are open now. */
  public int open() {
    return open.get();
  }

  /** Before everything else. */
  void mount(VertxPlatformHttpRouter router) {
    vertx = router.vertx();
    router.route().order(Integer.MIN_VALUE).handler(this::admit);
  }

  void opened(HttpConnection connection) {
    int now = open.incrementAndGet();
    connection.closeHandler(
        gone -> {
          open.decrementAndGet();
          forget(connection);
          done.remove(connection);
        });
    if (now > mostAtAll) {
      connection.close();
      return;
    }
    within(patience, connection);
  }

  /** A connection that drips must not stay: the server itself only sees that something comes. */
  private void within(Duration time, HttpConnection connection) {
    forget(connection);
    deadlines.put(
        connection,
        vertx.setTimer(
            time.toMillis(),
            late -> {
              deadlines.remove(connection);
              connection.close();
            }));
  }

  private void forget(HttpConnection connection) {
    Long timer = deadlines.remove(connection);
    if (timer != null) {
      vertx.cancelTimer(timer);
    }
  }

  /** A stream that goes on for as long as its reader likes. */
  void stays(RoutingContext context) {
    forget(context.request().connection());
  }

  private void admit(RoutingContext context) {
    HttpServerRequest request = context.request();
    HttpConnection connection = request.connection();
    if (done.contains(connection)) {
      connection.close();
      return;
    }
    within(longestAnswer, connection);
    context.addEndHandler(
        answered -> {
          if (done.contains(connection)) {
            connection.close();
          } else if (answered.succeeded()) {
            within(patience, connection);
          }
        });
    if (open.get() > most && !request.path().startsWith(HEALTH)) {
      context.response().putHeader("Retry-After", "5");
      refuse(context, 503, "too many are connected: try again in a moment");
      return;
    }
    if (request.headers().contains(HttpHeaders.TRANSFER_ENCODING)) {
      // Where a body ends that says so itself is what request smuggling is about.
      last(context);
    }
    if (request.path().startsWith(JolokiaSide.PATH)) {
      context.next();
    } else if (length(request) > LARGEST_BODY) {
      refuse(context, 413, "expected at most " + LARGEST_BODY + " bytes, found more");
    } else {
      bodies.handle(context);
    }
  }

  private static long length(HttpServerRequest request) {
    String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
    return length != null && length.matches("\\d{1,18}") ? Long.parseLong(length) : 0;
  }

  private void refuse(RoutingContext context, int status, String detail) {
    last(context);
    problem(context, status, detail);
  }

  /**
   * What else has come on the connection, or comes, is not looked at: a header alone ends nothing.
   */
  private void last(RoutingContext context) {
    done.add(context.request().connection());
    context.response().putHeader(HttpHeaders.CONNECTION, "close");
  }
}
