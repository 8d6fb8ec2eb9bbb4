package routes.operator;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.HttpException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.exceptions.JedisException;
import routes.ledger.LedgerAway;
import routes.ledger.Steering;

/**
 * How requests are read and answered: JSON, errors as {@code application/problem+json} (RFC 9457).
 */
final class HttpAnswers {
  private static final Logger LOG = LoggerFactory.getLogger(HttpAnswers.class);

  /** Under this key a request says whether it came with the token. */
  static final String ALL = "all";

  private HttpAnswers() {}

  /** What cannot be answered as asked. */
  static final class Problem extends RuntimeException {
    private final int status;

    Problem(int status, String detail) {
      super(detail, null, false, false);
      this.status = status;
    }

    int status() {
      return status;
    }
  }

  interface Answer {
    Object of(RoutingContext context) throws Exception;
  }

  /** Answers with what is given back, or with what went wrong. */
  static Handler<RoutingContext> json(Answer answer) {
    return context -> answer(context, answer);
  }

  private static void answer(RoutingContext context, Answer answer) {
    try {
      json(context, 200, "application/json", answer.of(context));
    } catch (Problem e) {
      problem(context, e.status, e.getMessage());
    } catch (HttpException e) {
      problem(context, e.getStatusCode(), "the address cannot be read");
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

  static void problem(RoutingContext context, int status, String detail) {
    Map<String, Object> problem = new LinkedHashMap<>();
    problem.put("type", "about:blank");
    problem.put("title", HttpResponseStatus.valueOf(status).reasonPhrase());
    problem.put("status", status);
    problem.put("detail", detail);
    json(context, status, "application/problem+json", problem);
  }

  static void unknown(RoutingContext context) {
    problem(context, 404, "there is nothing here: " + Reading.clean(context.normalizedPath()));
  }

  static String parameter(RoutingContext context, String name, String otherwise) {
    String value = context.queryParams().get(name);
    return value == null ? otherwise : value;
  }

  /**
   * @throws Problem if it is none from 1 to {@code most}
   */
  static int number(RoutingContext context, String name, int otherwise, int most) {
    String text = parameter(context, name, String.valueOf(otherwise));
    if (!text.matches("\\d{1,8}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > most) {
      throw new Problem(
          400,
          name + ": expected a number from 1 to " + most + ", found '" + Reading.clean(text) + "'");
    }
    return Integer.parseInt(text);
  }

  /**
   * @throws Problem if it is none of those that are allowed
   */
  static String oneOf(RoutingContext context, String name, String otherwise, List<String> allowed) {
    String text = parameter(context, name, otherwise);
    if (!text.equals(otherwise) && !allowed.contains(text)) {
      throw new Problem(
          400, name + ": expected one of " + allowed + ", found '" + Reading.clean(text) + "'");
    }
    return text;
  }

  static long taskId(RoutingContext context) {
    return taskId(context.pathParam("taskId"));
  }

  static long taskId(String text) {
    if (!text.matches("[1-9]\\d{0,15}")) {
      throw new Problem(400, "taskId: expected a number, found '" + Reading.clean(text) + "'");
    }
    return Long.parseLong(text);
  }

  static boolean seesEmails(RoutingContext context) {
    return Boolean.TRUE.equals(context.get(ALL));
  }

  /** Who asks, for the lifecycle log. */
  static String by(RoutingContext context) {
    return "http " + context.request().remoteAddress().hostAddress();
  }
}
