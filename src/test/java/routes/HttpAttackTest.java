package routes;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import servers.Ports;
import servers.Shop;

/** What somebody who reaches the operator's port may try. */
class HttpAttackTest extends WorkerTest {
  private static final String TOKEN = "operator-token-33d0";
  private static final String HERE = "Host: 127.0.0.1\r\n";
  private static final String BEARER = "Authorization: Bearer " + TOKEN + "\r\n";

  private final List<Socket> sockets = new ArrayList<>();
  private int port;

  private WorkerProcess prepare() throws Exception {
    port = Ports.free();
    return newWorker("WAYBILL_HTTP_PORT", String.valueOf(port), "WAYBILL_TOKEN", TOKEN);
  }

  private Socket send(String text) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(60_000);
    sockets.add(socket);
    socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    return socket;
  }

  private String ask(String text) throws IOException {
    try (Socket socket = send(text)) {
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    } catch (SocketException reset) {
      return "";
    }
  }

  /**
   * @param headers each with its end of line
   */
  private String ask(String line, String headers) throws IOException {
    return ask(line + " HTTP/1.1\r\n" + headers + "Connection: close\r\n\r\n");
  }

  private static void expect(int status, String answer, String what) {
    assertTrue(answer.startsWith("HTTP/1.1 " + status + " "), () -> what + "\n" + answer);
  }

  @Test
  void should_answer_nobody_before_its_guard_is_on() throws Exception {
    WorkerProcess worker = prepare();
    AtomicBoolean started = new AtomicBoolean();
    List<String> answers = new CopyOnWriteArrayList<>();
    Thread asking =
        new Thread(
            () -> {
              while (!started.get()) {
                for (String path : List.of("/observe/health", "/observe/metrics", "/jobs")) {
                  try {
                    answers.add(ask("GET " + path, "Host: other.example\r\n"));
                  } catch (IOException nobodyListens) {
                    // not yet
                  }
                }
              }
            });
    asking.start();

    worker.start();
    started.set(true);
    asking.join();

    // Whether the port is free is tried out first: whoever came then heard nothing.
    answers.removeIf(String::isEmpty);
    assertTrue(answers.size() > 10, "asked too late: " + answers.size());
    answers.forEach(answer -> expect(401, answer, "while it starts"));
  }

  @Test
  void should_stand_what_nobody_should_send() throws Exception {
    prepare().start();
    awaitReady();
    assertAll(
        this::malformed, this::paths, this::methods, this::otherSites, this::headersOfAnswers);
    expect(200, ask("GET /observe/health", HERE), "after all of it");
  }

  /** Until it has looked for the remote once. */
  private void awaitReady() {
    until(() -> ask("GET /observe/health", HERE).startsWith("HTTP/1.1 200"), "it is ready");
  }

  private void malformed() throws IOException {
    for (String request :
        List.of(
            "\r\n\r\n\r\n",
            "\u0016\u0003\u0001\u0002\u0000\u0001",
            "GET\r\n\r\n",
            "GET /jobs\r\n\r\n",
            "GET /jobs HTTP/9.9\r\n" + HERE + "\r\n",
            "GET /jobs HTTP/1.1\r\nno colon\r\n\r\n",
            "GET /jobs HTTP/1.1\r\n: no name\r\n\r\n",
            "GET /jobs HTTP/1.1\r\n" + HERE + "X: a\0b\r\n\r\n",
            "GET /jobs HTTP/1.1\r\n" + HERE + "X\u00e9\0: b\r\n\r\n",
            "GET /jobs HTTP/1.1\r\n" + HERE + " folded: b\r\n\r\n",
            "GET /jobs HTTP/1.1\r\n\r\n",
            "GET /jobs HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET /" + "a".repeat(20_000) + " HTTP/1.1\r\n" + HERE + "\r\n",
            "GET /jobs HTTP/1.1\r\n" + HERE + "X: " + "a".repeat(20_000) + "\r\n\r\n",
            "GET /jobs HTTP/1.1\r\n" + HERE + "X: a\r\n".repeat(5_000) + "\r\n",
            "POST /jobs/retry HTTP/1.1\r\n" + HERE + "Content-Length: -1\r\n\r\n",
            "POST /jobs/retry HTTP/1.1\r\n" + HERE + "Content-Length: 99999999999999999999\r\n\r\n",
            "POST /jobs/retry HTTP/1.1\r\n" + HERE + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
            "GET http://other.example/jobs HTTP/1.1\r\n" + "Host: other.example\r\n\r\n",
            "CONNECT other.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\n" + HERE + "\r\n",
            "TRACE /jobs HTTP/1.1\r\n" + HERE + "X-Secret: echo-me\r\n\r\n")) {
      Socket socket = send(request);
      socket.shutdownOutput();
      String answer;
      try {
        answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      } catch (SocketException reset) {
        answer = "";
      }
      String found = answer;
      assertTrue(
          found.isEmpty() || Pattern.compile("^HTTP/\\S+ (4\\d\\d|501) ").matcher(found).find(),
          () -> request.substring(0, Math.min(200, request.length())) + "\n---\n" + found);
      assertFalse(found.contains("echo-me") || found.contains("\tat "), found);
    }
  }

  private void paths() throws IOException {
    for (String path :
        List.of(
            "/jobs/..%2f..%2fetc%2fpasswd",
            "/jobs/%2e%2e/%2e%2e/etc/passwd",
            "/page/..%2fopenapi.json",
            "/page/../application.properties",
            "/page/%2e%2e/application.properties",
            "/page/..\\application.properties",
            "/page//api.js",
            "/page/api.js%00.html",
            "/page/api.js;x=y",
            "/page/api.js.",
            "/page/",
            "/page",
            "/META-INF/MANIFEST.MF",
            "/jobs/1%00",
            "/jobs/1;x=y",
            "/jobs/1.",
            "/jobs/%31%0a",
            "/jobs/..;/jobs",
            "/jobs/1/log/..%2f..",
            "/jobs/../../../../etc/passwd/log",
            "/jobs/" + "9".repeat(400),
            "/jobs/9223372036854775808",
            "/jobs//1",
            "//jobs",
            "/queues/%2e%2e/pause",
            "/observe/jolokia",
            "/observe/health/..%2f..",
            "/observe/..%2f")) {
      String plain = ask("GET " + path, HERE + BEARER);
      assertTrue(
          Pattern.compile("^HTTP/1.1 (4\\d\\d) ").matcher(plain).find()
              || path.contains("//") && plain.startsWith("HTTP/1.1 200"),
          () -> path + "\n" + plain);
      assertFalse(plain.contains("root:") || plain.contains("waybill.db"), plain);
      expect(401, ask("GET " + path, "Host: other.example\r\n"), path + " without a token");
    }
    for (String same : List.of("/./jobs", "/x/../jobs", "/%6aobs")) {
      expect(401, ask("GET " + same, "Host: other.example\r\n"), same);
    }
  }

  private void methods() throws IOException {
    for (String line :
        List.of(
            "GET: POST /jobs",
            "GET: DELETE /jobs/1",
            "GET: PUT /jobs/1/log",
            "GET: PATCH /events",
            "GET: POST /",
            "GET: POST /page/api.js",
            "GET: POST /jobs/monitoring/report",
            "POST: GET /jobs/1/cancel",
            "POST: DELETE /jobs/1/retry",
            "POST: GET /queues/x/pause")) {
      String[] parts = line.split(": ");
      String answer = ask(parts[1], HERE + BEARER);
      expect(405, answer, line);
      assertTrue(answer.contains("Allow: " + parts[0] + "\r\n"), answer);
      assertTrue(answer.contains("application/problem+json"), answer);
    }
    expect(404, ask("GET /jobs/1/lunch", HERE + BEARER), "an action that does not exist");
  }

  /** A page of another site in a browser of this host: it has no token, and may not even read. */
  private void otherSites() throws Exception {
    long taskId = shop.task("enrolled", Shop.url("ok"));
    String form = "Content-Type: text/plain\r\nOrigin: http://evil.example\r\n";
    for (String post : List.of("/jobs/retry?dryRun=false", "/jobs/" + taskId + "/cancel")) {
      expect(401, ask("POST " + post, HERE + form), post);
      expect(401, ask("POST " + post, HERE + "Cookie: token=" + TOKEN + "\r\n"), post);
      expect(401, ask("POST " + post + "?token=" + TOKEN, HERE), post);
    }
    for (String site : List.of("cross-site", "same-site")) {
      String headers = HERE + "Sec-Fetch-Site: " + site + "\r\n";
      expect(401, ask("GET /jobs", headers), site);
      expect(401, ask("GET /events", headers), site);
    }
    expect(200, ask("GET /jobs", HERE + "Sec-Fetch-Site: same-origin\r\n"), "the page itself");
    String preflight =
        ask(
            "OPTIONS /jobs/1/cancel",
            HERE
                + "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n"
                + "Access-Control-Request-Headers: authorization\r\n");
    expect(401, preflight, "preflight");
    for (String answer :
        List.of(preflight, ask("GET /jobs", HERE + "Origin: http://evil.example\r\n"))) {
      assertFalse(answer.toLowerCase().contains("access-control-"), answer);
    }
    for (String name :
        List.of("evil.example", "127.0.0.1.evil.example", "localhost.evil.example")) {
      expect(401, ask("GET /jobs", "Host: " + name + "\r\n"), "made to point here");
    }
  }

  private void headersOfAnswers() throws IOException {
    for (String path :
        List.of(
            "/",
            "/page/api.js",
            "/jobs",
            "/jobs/x",
            "/nothing",
            "/observe/health",
            "/openapi.json")) {
      String answer = ask("GET " + path, HERE);
      for (String header :
          List.of(
              "X-Content-Type-Options: nosniff",
              "Referrer-Policy: no-referrer",
              "Cache-Control: no-store",
              "Cross-Origin-Resource-Policy: same-origin",
              "frame-ancestors 'none'",
              "default-src 'none'")) {
        assertTrue(answer.contains(header), () -> path + " lacks " + header + "\n" + answer);
      }
      assertFalse(answer.contains("unsafe-") || answer.contains("Set-Cookie"), answer);
      assertFalse(answer.toLowerCase().contains("\nserver:"), answer);
    }
  }

  @Test
  void should_go_on_with_five_hundred_connected() throws Exception {
    WorkerProcess worker = prepare();
    worker.start();
    awaitReady();
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    String listen = "GET /events HTTP/1.1\r\n" + HERE + "\r\n";
    List<Socket> streams = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      streams.add(send(listen));
    }
    for (Socket stream : streams) {
      assertEquals('H', stream.getInputStream().read());
    }
    String refused = ask("GET /events", HERE);
    expect(503, refused, "one stream too many");
    assertTrue(refused.contains("too many listen"), refused);
    for (int i = 0; i < 150; i++) {
      send("GET /jobs?q=nobody" + i + " HTTP/1.1\r\n" + HERE + "\r\n");
      send("GET /jobs HTTP/1.1\r\n" + HERE + "X-Slow: ");
    }

    shop.goOn(taskId);
    long fastest = Long.MAX_VALUE;
    for (int i = 0; i < 5; i++) {
      long begin = System.nanoTime();
      expect(200, ask("GET /observe/health", HERE), "health");
      fastest = Math.min(fastest, (System.nanoTime() - begin) / 1_000_000);
    }
    // Not each: the machine may be busy with something else.
    assertTrue(fastest < 1000, "health took " + fastest + " ms");
    awaitState(taskId, "done");

    for (Socket socket : sockets) {
      socket.close();
    }
    until(() -> worker.http().connections().open() == 0, "nothing is left of them");
    until(() -> ask("GET /jobs", HERE).startsWith("HTTP/1.1 200"), "it answers");
    try (Socket stream = send(listen)) {
      assertTrue(
          new String(stream.getInputStream().readNBytes(15), StandardCharsets.US_ASCII)
              .startsWith("HTTP/1.1 200"));
    }
  }
}
