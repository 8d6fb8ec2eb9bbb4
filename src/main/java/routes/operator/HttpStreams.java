package routes.operator;

import static routes.operator.HttpAnswers.number;
import static routes.operator.HttpAnswers.parameter;
import static routes.operator.HttpAnswers.problem;
import static routes.operator.HttpAnswers.taskId;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.command.TaskLog;
import routes.job.Payload;
import routes.monitoring.Event;
import routes.settings.Settings;

/**
 * What comes as it happens, over HTTP: events of all processes, and what a job's programs print.
 */
final class HttpStreams {
  private static final Logger LOG = LoggerFactory.getLogger(HttpStreams.class);
  private static final int LOG_BYTES = 64 * 1024;
  private static final int MOST_LOG_BYTES = 4 * 1024 * 1024;

  /** Of both kinds, those who follow a log included. */
  private static final int MOST_STREAMS = 200;

  /** A channel of Redis is open to whoever has its password. */
  private static final int LONGEST_EVENT = 64 * 1024;

  /** How {@link routes.monitoring.Events} writes it. */
  private static final String PROGRESS = "\"event\":\"" + Event.PROGRESS + '"';

  private static final Duration HEARTBEAT = Duration.ofSeconds(15);
  private static final int QUIET_LOOKS = 60;
  private static final Duration LOG_LOOK = Duration.ofMillis(250);

  /**
   * @param taskId whose events it wants; null for all
   */
  private record Listener(HttpServerResponse response, Long taskId) {}

  private final Settings settings;
  private final LastProgress progress;
  private final HttpConnections connections;
  private final ObjectReader events = Payload.strictMapper().reader();
  private final Set<Listener> listeners = ConcurrentHashMap.newKeySet();
  private final Set<HttpServerResponse> streams = ConcurrentHashMap.newKeySet();

  HttpStreams(Settings settings, LastProgress progress, HttpConnections connections) {
    this.settings = settings;
    this.progress = progress;
    this.connections = connections;
  }

  /** What is between here and a listener may cut a connection on which nothing comes. */
  void keepAlive(Vertx vertx) {
    vertx.setPeriodic(HEARTBEAT.toMillis(), timer -> send(listener -> true, ": still here\n\n"));
  }

  /** The end of a task's log; with {@code Accept: text/event-stream}, what comes after it too. */
  void log(RoutingContext context) {
    try {
      Path file = TaskLog.fileOf(settings.logs().directory(), taskId(context));
      int most = number(context, "bytes", LOG_BYTES, MOST_LOG_BYTES);
      if (!Files.exists(file)) {
        throw new HttpAnswers.Problem(
            404, file.getFileName() + ": there is no such log on this host");
      }
      long from = Math.max(0, Files.size(file) - most);
      String accepted = context.request().getHeader("Accept");
      if (accepted != null && accepted.contains("text/event-stream")) {
        if (stream(context)) {
          follow(context, file, from);
        }
        return;
      }
      context
          .response()
          .putHeader("Content-Type", "text/plain; charset=utf-8")
          .end(Buffer.buffer(TaskLog.read(file, from, most)));
    } catch (HttpAnswers.Problem e) {
      problem(context, e.status(), e.getMessage());
    } catch (IOException e) {
      problem(context, 500, "the log cannot be read");
    }
  }

  /** Bytes of a log, and where they begin. */
  private record Part(long at, byte[] bytes) {}

  /** The middle of a log may have been left out since the last look: then its end is read. */
  private static Part next(Path file, long at) throws IOException {
    long size = Files.size(file);
    long from = size < at ? Math.max(0, size - LOG_BYTES) : at;
    return new Part(from, TaskLog.read(file, from, LOG_BYTES));
  }

  /** One look after the other, however long one takes. */
  private void follow(RoutingContext context, Path file, long from) {
    context.response().write(": following\n\n");
    look(context, file, from, 0);
  }

  private void look(RoutingContext context, Path file, long at, int quiet) {
    HttpServerResponse response = context.response();
    context
        .vertx()
        .setTimer(
            LOG_LOOK.toMillis(),
            timer -> {
              if (response.closed() || response.ended()) {
                return;
              }
              if (response.writeQueueFull()) {
                look(context, file, at, quiet);
                return;
              }
              context
                  .vertx()
                  .executeBlocking(() -> next(file, at), true)
                  .onSuccess(
                      part -> {
                        byte[] bytes = part.bytes();
                        int end = wholeLines(bytes);
                        boolean lively = end > 0 || quiet >= QUIET_LOOKS;
                        if (lively && !response.closed()) {
                          String text = new String(bytes, 0, end, StandardCharsets.UTF_8);
                          // Something, now and then, or a reader who is gone is never noticed.
                          response.write(end > 0 ? event(text) : ": still here\n\n");
                        }
                        look(context, file, part.at() + end, lively ? 0 : quiet + 1);
                      })
                  .onFailure(gone -> response.end());
            });
  }

  /**
   * Up to the end of the last line: a character may be half written. Programs end lines with CR
   * too.
   */
  private static int wholeLines(byte[] bytes) {
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] != '\n' && bytes[end - 1] != '\r') {
      end--;
    }
    return end == 0 && bytes.length == LOG_BYTES ? bytes.length : end;
  }

  private static String event(String text) {
    StringBuilder event = new StringBuilder();
    text.replace('\r', '\n')
        .lines()
        .forEach(line -> event.append("data: ").append(line).append('\n'));
    return event.append('\n').toString();
  }

  private boolean stream(RoutingContext context) {
    HttpServerResponse response = context.response();
    if (streams.size() >= MOST_STREAMS) {
      response.putHeader("Retry-After", "30");
      problem(context, 503, "too many listen already: try again in a while");
      return false;
    }
    streams.add(response);
    context.addEndHandler(
        done -> {
          streams.remove(response);
          listeners.removeIf(listener -> listener.response == response);
        });
    connections.stays(context);
    response
        .setChunked(true)
        .putHeader("Content-Type", "text/event-stream; charset=utf-8")
        .putHeader("X-Accel-Buffering", "no");
    return true;
  }

  /** Everything that happens, in all processes, as it happens. */
  void listen(RoutingContext context) {
    String task = parameter(context, "taskId", "");
    Long taskId;
    try {
      taskId = task.isEmpty() ? null : Long.valueOf(taskId(task));
    } catch (HttpAnswers.Problem e) {
      problem(context, e.status(), e.getMessage());
      return;
    }
    if (!stream(context)) {
      return;
    }
    Listener listener = new Listener(context.response(), taskId);
    listeners.add(listener);
    context.response().write(": listening\n\n");
  }

  /**
   * An event of any process has come.
   *
   * @param json as it is on the Redis channel
   */
  void tell(String json) {
    boolean isProgress = json.contains(PROGRESS);
    if (listeners.isEmpty() && !isProgress || json.length() > LONGEST_EVENT) {
      return;
    }
    try {
      JsonNode event = events.readTree(json);
      JsonNode id = event.path("taskId");
      if (isProgress) {
        progress.hear(event);
      }
      send(
          listener ->
              listener.taskId == null || id.isIntegralNumber() && id.longValue() == listener.taskId,
          event(json));
    } catch (JsonProcessingException | DateTimeException notOurs) {
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
}
