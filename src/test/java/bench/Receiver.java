package bench;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * The webhook of the bench, in a process of its own: notes when each task's call came, and tells on
 * request. Started with the file that takes its ports: for webhooks, and for questions.
 */
public final class Receiver {
  private static final Duration LONGEST_ANSWER = Duration.ofSeconds(30);
  private static final String FIELD = "\"task_id\":";

  private Receiver() {}

  public static void main(String[] arguments) throws IOException {
    // An answer must not wait for more of it.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    Map<Long, Long> arrivals = new ConcurrentHashMap<>();
    // In the thread that listens: to hand each call on would cost the cores that are measured more.
    HttpServer webhooks = listen();
    webhooks.createContext(
        "/webhook",
        exchange -> {
          String body =
              new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
          arrivals.putIfAbsent(
              taskId(body), ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now()));
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    HttpServer answers = listen();
    // Answered late: each question costs something too.
    answers.createContext(
        "/await",
        exchange -> {
          int number = Integer.parseInt(exchange.getRequestURI().getQuery());
          long deadline = System.nanoTime() + LONGEST_ANSWER.toNanos();
          while (arrivals.size() < number && System.nanoTime() < deadline) {
            pause(number);
          }
          byte[] answer = String.valueOf(arrivals.size()).getBytes(StandardCharsets.US_ASCII);
          exchange.sendResponseHeaders(200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    answers.createContext(
        "/arrivals",
        exchange -> {
          byte[] answer =
              arrivals.entrySet().stream()
                  .map(entry -> entry.getKey() + " " + entry.getValue())
                  .collect(Collectors.joining("\n"))
                  .getBytes(StandardCharsets.US_ASCII);
          arrivals.clear();
          exchange.sendResponseHeaders(200, answer.length == 0 ? -1 : answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    answers.setExecutor(Executors.newCachedThreadPool());
    webhooks.start();
    answers.start();
    Path file = Path.of(arguments[0]);
    Path written = file.resolveSibling(file.getFileName() + ".new");
    Files.writeString(
        written, webhooks.getAddress().getPort() + " " + answers.getAddress().getPort());
    Files.move(written, file);
  }

  private static HttpServer listen() throws IOException {
    return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
  }

  private static void pause(int number) {
    try {
      TimeUnit.MILLISECONDS.sleep(number < 200 ? 2 : 10);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static long taskId(String body) {
    int start = body.indexOf(FIELD) + FIELD.length();
    int end = start;
    while (end < body.length() && Character.isDigit(body.charAt(end))) {
      end++;
    }
    return Long.parseLong(body.substring(start, end));
  }
}
