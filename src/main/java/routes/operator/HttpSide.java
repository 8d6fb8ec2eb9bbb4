package routes.operator;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.exceptions.JedisException;
import routes.Parts;
import routes.command.TaskLog;
import routes.job.Flight;
import routes.job.Sandbox;
import routes.ledger.JobBook;
import routes.ledger.LedgerAway;
import routes.ledger.Steering;
import routes.queue.RedisKeys;
import routes.settings.Settings;

/**
 * The operator's HTTP side, on the management port. Paths and shapes: CONTRACT.md, section 7, and
 * {@code /openapi.json}, which it serves. JSON; errors are {@code application/problem+json} (RFC
 * 9457).
 */
public final class HttpSide {
  private static final Logger LOG = LoggerFactory.getLogger(HttpSide.class);
  private static final int LARGEST_PAGE = 500;
  private static final int MOST_AT_ONCE = 10_000;
  private static final int HISTORY = 200;
  private static final int LOG_BYTES = 64 * 1024;
  private static final int MOST_LOG_BYTES = 4 * 1024 * 1024;
  private static final int MOST_LISTENERS = 200;

  private static final Duration HEARTBEAT = Duration.ofSeconds(15);
  private static final Duration LOG_LOOK = Duration.ofMillis(250);

  private final Parts parts;
  private final Settings settings;
  private final Access access;
  private final Set<Listener> listeners = ConcurrentHashMap.newKeySet();

  /**
   * @param taskId whose events it wants; null for all
   */
  private record Listener(HttpServerResponse response, Long taskId) {}

  public HttpSide(Parts parts) {
    this.parts = parts;
    this.settings = parts.settings();
    this.access = new Access(settings.http().token(), parts.clock());
  }

  /** What cannot be answered as asked. */
  private static final class Problem extends RuntimeException {
    private final int status;

    Problem(int status, String detail) {
      super(detail, null, false, false);
      this.status = status;
    }
  }

  private interface Answer {
    Object of(RoutingContext context) throws Exception;
  }

  /** Adds all of it to the server's routes, behind what guards everything. */
  public void mount(VertxPlatformHttpRouter router) {
    router.route().order(Integer.MIN_VALUE).handler(this::guard);
    get(router, "/jobs", this::list);
    get(router, "/jobs/monitoring/report", context -> report());
    get(router, "/jobs/monitoring/:queue", this::queue);
    get(router, "/jobs/:taskId", this::show);
    router.get("/jobs/:taskId/log").blockingHandler(this::log, false);
    router.get("/events").handler(this::listen);
    router.get("/openapi.json").blockingHandler(this::openApi, false);
    post(router, "/jobs/retry", this::retryMany);
    post(router, "/jobs/:taskId/retry", this::retry);
    post(router, "/jobs/:taskId/cancel", this::cancel);
    post(router, "/queues/:queue/pause", context -> steer(context, true));
    post(router, "/queues/:queue/resume", context -> steer(context, false));
    for (String path : List.of("/jobs*", "/queues*", "/events", "/openapi.json")) {
      router.route(path).last().handler(HttpSide::unknown);
    }
    router
        .vertx()
        .setPeriodic(HEARTBEAT.toMillis(), timer -> send(listener -> true, ": still here\n\n"));
  }

  private void get(Router router, String path, Answer answer) {
    router.get(path).blockingHandler(context -> answer(context, answer), false);
  }

  private void post(Router router, String path, Answer answer) {
    router.post(path).blockingHandler(context -> answer(context, answer), false);
  }

  private void guard(RoutingContext context) {
    HttpMethod method = context.request().method();
    boolean changes = !method.equals(HttpMethod.GET) && !method.equals(HttpMethod.HEAD);
    context
        .response()
        .putHeader("X-Content-Type-Options", "nosniff")
        .putHeader("Cache-Control", "no-store")
        .putHeader("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    Access.Verdict verdict = access.judge(context.request(), changes);
    switch (verdict) {
      case READ, ALL -> {
        context.put("all", verdict == Access.Verdict.ALL);
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

  private static boolean seesEmails(RoutingContext context) {
    return Boolean.TRUE.equals(context.get("all"));
  }

  private void answer(RoutingContext context, Answer answer) {
    try {
      json(context, 200, "application/json", answer.of(context));
    } catch (Problem e) {
      problem(context, e.status, e.getMessage());
    } catch (Steering.NotPossible e) {
      problem(context, e.unknown() ? 404 : 409, e.getMessage());
    } catch (LedgerAway e) {
      problem(context, 503, "the database cannot be reached");
    } catch (JedisException e) {
      problem(context, 503, "Redis cannot be reached");
    } catch (Exception e) {
      LOG.error("{} {} failed", context.request().method(), context.normalizedPath(), e);
      problem(context, 500, "this went wrong; the worker's log says more");
    }
  }

  private static void json(RoutingContext context, int status, String type, Object body) {
    try {
      context
          .response()
          .setStatusCode(status)
          .putHeader("Content-Type", type)
          .end(Buffer.buffer(Json.MAPPER.writeValueAsBytes(body)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void problem(RoutingContext context, int status, String detail) {
    Map<String, Object> problem = new LinkedHashMap<>();
    problem.put("type", "about:blank");
    problem.put(
        "title", io.netty.handler.codec.http.HttpResponseStatus.valueOf(status).reasonPhrase());
    problem.put("status", status);
    problem.put("detail", detail);
    json(context, status, "application/problem+json", problem);
  }

  private static void unknown(RoutingContext context) {
    problem(context, 404, "there is nothing here: " + Reading.clean(context.normalizedPath()));
  }

  private static String parameter(RoutingContext context, String name, String otherwise) {
    String value = context.queryParams().get(name);
    return value == null ? otherwise : value;
  }

  private static int number(RoutingContext context, String name, int otherwise, int most) {
    String text = parameter(context, name, String.valueOf(otherwise));
    if (!text.matches("\\d{1,8}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > most) {
      throw new Problem(
          400,
          name + ": expected a number from 1 to " + most + ", found '" + Reading.clean(text) + "'");
    }
    return Integer.parseInt(text);
  }

  private static long taskId(RoutingContext context) {
    return taskId(context.pathParam("taskId"));
  }

  private static long taskId(String text) {
    if (!text.matches("[1-9]\\d{0,15}")) {
      throw new Problem(400, "taskId: expected a number, found '" + Reading.clean(text) + "'");
    }
    return Long.parseLong(text);
  }

  private Object list(RoutingContext context) {
    String state = parameter(context, "state", "");
    if (!state.isEmpty() && !JobBook.STATES.contains(state)) {
      throw new Problem(
          400,
          "state: expected one of " + JobBook.STATES + ", found '" + Reading.clean(state) + "'");
    }
    int page = number(context, "page", 1, 1_000_000);
    int size = number(context, "size", 50, LARGEST_PAGE);
    List<JobBook.Entry> found =
        parts.jobs().list(state, parameter(context, "q", ""), size + 1, (page - 1) * size);
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("page", page);
    all.put("size", size);
    all.put("more", found.size() > size);
    all.put(
        "jobs",
        found.stream().limit(size).map(job -> described(job, seesEmails(context))).toList());
    return all;
  }

  private static Map<String, Object> described(JobBook.Entry job, boolean withEmail) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("taskId", job.taskId());
    fields.put("orderId", job.orderId());
    fields.put("email", withEmail ? job.email() : masked(job.email()));
    fields.put("courseUrl", job.courseUrl());
    fields.put("vip", job.vip());
    fields.put("state", job.state());
    fields.put("stage", job.stage());
    fields.put("hold", job.hold());
    fields.put("failedTries", job.attempts());
    fields.put("workersThatDied", job.crashes());
    fields.put("worker", job.worker());
    fields.put("host", job.host());
    fields.put("folder", job.folder());
    fields.put("error", job.lastError());
    fields.put("nextAt", job.nextAt());
    fields.put("waitUntil", job.waitUntil());
    fields.put("times", job.times());
    fields.put("updatedAt", job.updatedAt());
    return fields;
  }

  /** First letter and domain: enough to know one's own. */
  static String masked(String email) {
    int at = email.lastIndexOf('@');
    return at < 1
        ? "…"
        : email.substring(0, email.offsetByCodePoints(0, 1)) + "…" + email.substring(at);
  }

  private Object show(RoutingContext context) {
    long taskId = taskId(context);
    JobBook.Entry job =
        parts
            .jobs()
            .find(taskId)
            .orElseThrow(() -> new Problem(404, "task " + taskId + ": there is no such job"));
    Map<String, Object> fields = described(job, seesEmails(context));
    fields.put("shopStatus", job.status());
    fields.put("deliveryId", job.deliveryId());
    fields.put("next", Reading.next(job, parts.holds().all(), settings.enrolment().poll()));
    Optional<Flight> here =
        parts.flights().all().stream().filter(flight -> flight.taskId() == taskId).findFirst();
    fields.put("percent", here.map(Flight::percent).filter(percent -> percent >= 0).orElse(null));
    fields.put("log", TaskLog.fileOf(settings.logs().directory(), taskId).toString());
    fields.put("sandbox", Sandbox.of(settings.download().staging(), taskId).path().toString());
    fields.put("history", parts.history().of(taskId, HISTORY));
    return fields;
  }

  /** The last hour, of all processes. */
  private Object report() {
    JobBook.Ended ended = parts.jobs().ended();
    long all = ended.done() + ended.dead();
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("minutes", 60);
    report.put("processed", ended.done());
    report.put("failed", ended.dead());
    report.put("failureRate", all == 0 ? 0 : (double) ended.dead() / all);
    report.put("jobsPerMinute", ended.done() / 60.0);
    Map<String, Object> steps = new LinkedHashMap<>();
    ended
        .millis()
        .forEach(
            (step, millis) -> {
              if (!millis.isEmpty()) {
                steps.put(
                    step,
                    Map.of(
                        "averageMs",
                        millis.stream().mapToLong(Long::longValue).sum() / millis.size(),
                        "p95Ms",
                        millis.get((int) Math.ceil(millis.size() * 0.95) - 1)));
              }
            });
    report.put("steps", steps);
    report.put("jobs", parts.jobs().counts());
    List<String> inboxes = RedisKeys.inboxes(settings.queue());
    report.put(
        "healthyQueues", inboxes.stream().filter(inbox -> !parts.holds().isPaused(inbox)).toList());
    List<JobBook.AliveWorker> workers = parts.jobs().workers();
    report.put("workersAlive", workers.stream().filter(worker -> !worker.silent()).count());
    report.put("workers", workers);
    report.put("held", parts.holds().all());
    return report;
  }

  private Object queue(RoutingContext context) {
    String inbox = inbox(context);
    JobBook.Queue queue = parts.jobs().queue(inbox.equals(settings.queue().vipInbox()));
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("queue", inbox);
    fields.put("paused", parts.holds().isPaused(inbox));
    fields.put("inbox", parts.redis().llen(inbox));
    fields.put("waiting", queue.waiting());
    fields.put("ready", queue.ready());
    fields.put("running", queue.running());
    fields.put("delayed", queue.delayed());
    fields.put("dead", queue.dead());
    fields.put("oldestSeconds", queue.oldestSeconds());
    Map<String, Double> rates = new LinkedHashMap<>();
    rates.put("1", queue.donePerMinute1());
    rates.put("5", queue.donePerMinute5());
    rates.put("60", queue.donePerMinute60());
    fields.put("donePerMinute", rates);
    return fields;
  }

  private String inbox(RoutingContext context) {
    List<String> inboxes = RedisKeys.inboxes(settings.queue());
    String inbox = context.pathParam("queue");
    if (!inboxes.contains(inbox)) {
      throw new Problem(
          404, "queue: expected one of " + inboxes + ", found '" + Reading.clean(inbox) + "'");
    }
    return inbox;
  }

  private static String by(RoutingContext context) {
    return "http " + context.request().remoteAddress().hostAddress();
  }

  private Object retry(RoutingContext context) {
    long taskId = taskId(context);
    parts.desk().retry(taskId, parameter(context, "from", null), by(context));
    return Map.of("taskId", taskId, "state", "ready");
  }

  /** Says how many it would be, unless it is told to do it. */
  private Object retryMany(RoutingContext context) {
    List<Long> matching = parts.jobs().ids("dead", parameter(context, "q", ""), MOST_AT_ONCE);
    if (!parameter(context, "dryRun", "true").equals("false")) {
      return Map.of("dryRun", true, "matching", matching.size());
    }
    Desk.Retried retried =
        parts.desk().retry(matching, parameter(context, "from", null), by(context));
    return Map.of("dryRun", false, "going", retried.going().size(), "refused", retried.refused());
  }

  private Object cancel(RoutingContext context) {
    long taskId = taskId(context);
    parts.desk().cancel(taskId, by(context));
    return Map.of("taskId", taskId, "state", "cancelled");
  }

  private Object steer(RoutingContext context, boolean pause) {
    String inbox = inbox(context);
    if (pause) {
      parts.desk().pause(inbox, by(context));
    } else {
      parts.desk().resume(inbox, by(context));
    }
    return Map.of("queue", inbox, "paused", pause);
  }

  /** The end of a task's log; with {@code Accept: text/event-stream}, what comes after it too. */
  private void log(RoutingContext context) {
    try {
      Path file = TaskLog.fileOf(settings.logs().directory(), taskId(context));
      int most = number(context, "bytes", LOG_BYTES, MOST_LOG_BYTES);
      if (!Files.exists(file)) {
        throw new Problem(404, file.getFileName() + ": there is no such log on this host");
      }
      long from = Math.max(0, Files.size(file) - most);
      String accepted = context.request().getHeader("Accept");
      if (accepted != null && accepted.contains("text/event-stream")) {
        stream(context);
        follow(context, file, from);
        return;
      }
      context
          .response()
          .putHeader("Content-Type", "text/plain; charset=utf-8")
          .end(Buffer.buffer(read(file, from, most)));
    } catch (Problem e) {
      problem(context, e.status, e.getMessage());
    } catch (IOException e) {
      problem(context, 500, "the log cannot be read");
    }
  }

  private static byte[] read(Path file, long from, int most) throws IOException {
    try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
      open.seek(from);
      byte[] bytes = new byte[(int) Math.min(most, Math.max(0, open.length() - from))];
      open.readFully(bytes);
      return bytes;
    }
  }

  private void follow(RoutingContext context, Path file, long from) {
    long[] at = {from};
    context
        .vertx()
        .setPeriodic(
            1,
            LOG_LOOK.toMillis(),
            timer -> {
              HttpServerResponse response = context.response();
              if (response.closed() || response.ended()) {
                context.vertx().cancelTimer(timer);
                return;
              }
              if (response.writeQueueFull()) {
                return;
              }
              context
                  .vertx()
                  .executeBlocking(() -> read(file, at[0], LOG_BYTES), true)
                  .onSuccess(
                      bytes -> {
                        // Up to the last whole line: a character may be half written.
                        int end = bytes.length;
                        while (end > 0 && bytes[end - 1] != '\n') {
                          end--;
                        }
                        end = end == 0 && bytes.length == LOG_BYTES ? bytes.length : end;
                        if (end > 0 && !response.closed()) {
                          at[0] += end;
                          String text =
                              new String(bytes, 0, end, java.nio.charset.StandardCharsets.UTF_8);
                          response.write(event(text));
                        }
                      });
            });
  }

  private static String event(String text) {
    StringBuilder event = new StringBuilder();
    text.replace('\r', '\n')
        .lines()
        .forEach(line -> event.append("data: ").append(line).append('\n'));
    return event.append('\n').toString();
  }

  private static void stream(RoutingContext context) {
    context
        .response()
        .setChunked(true)
        .putHeader("Content-Type", "text/event-stream; charset=utf-8")
        .putHeader("X-Accel-Buffering", "no");
  }

  /** Everything that happens, in all processes, as it happens. */
  private void listen(RoutingContext context) {
    String task = parameter(context, "taskId", "");
    Long taskId;
    try {
      taskId = task.isEmpty() ? null : Long.valueOf(taskId(task));
    } catch (Problem e) {
      problem(context, e.status, e.getMessage());
      return;
    }
    if (listeners.size() >= MOST_LISTENERS) {
      problem(context, 503, "too many listen already");
      return;
    }
    stream(context);
    Listener listener = new Listener(context.response(), taskId);
    context.response().write(": listening\n\n");
    listeners.add(listener);
    context.response().closeHandler(gone -> listeners.remove(listener));
  }

  /**
   * An event of any process has come.
   *
   * @param json as it is on the Redis channel
   */
  public void tell(String json) {
    if (listeners.isEmpty()) {
      return;
    }
    try {
      JsonNode id = Json.MAPPER.readTree(json).path("taskId");
      send(
          listener ->
              listener.taskId == null || id.isIntegralNumber() && id.longValue() == listener.taskId,
          event(json));
    } catch (JsonProcessingException notOurs) {
      LOG.debug("Something else is on the event channel", notOurs);
    }
  }

  private void send(Predicate<Listener> to, String text) {
    for (Listener listener : listeners) {
      if (!to.test(listener)) {
        continue;
      }
      if (listener.response.writeQueueFull()) {
        // It reads more slowly than things happen: memory must not pay for that.
        listeners.remove(listener);
        listener.response.reset();
      } else {
        listener.response.write(text);
      }
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
