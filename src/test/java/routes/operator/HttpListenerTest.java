package routes.operator;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import servers.Ports;

/** The bounds of the server, without a worker behind it. */
class HttpListenerTest {
  private static final Duration PATIENCE = Duration.ofMillis(400);
  private static final Duration LONGEST_ANSWER = Duration.ofMillis(1500);
  private static final int MOST = 20;
  private static final int MOST_AT_ALL = 30;

  private HttpConnections connections =
      new HttpConnections(PATIENCE, LONGEST_ANSWER, MOST, MOST_AT_ALL);
  private final DefaultCamelContext camel = new DefaultCamelContext();
  private final List<Socket> sockets = new ArrayList<>();
  private int port;

  private void listen() throws Exception {
    port = Ports.free();
    camel.addService(new HttpListener("127.0.0.1", port, connections, this::mount));
    camel.start();
  }

  private void mount(VertxPlatformHttpRouter router) {
    assertThrows(ConnectException.class, this::connect, "it listens before its guard is on");
    router.route("/hello").handler(context -> context.response().end("hello"));
    router.route("/observe/health").handler(context -> context.response().end("well"));
    router
        .route("/stream")
        .handler(
            context -> {
              connections.stays(context);
              context.response().setChunked(true).write("first");
              context.vertx().setTimer(2000, late -> context.response().end("last"));
            });
    router.route("/never").handler(context -> {});
  }

  @AfterEach
  void close() throws IOException {
    for (Socket socket : sockets) {
      socket.close();
    }
    camel.stop();
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(60_000);
    sockets.add(socket);
    return socket;
  }

  private Socket send(String text) throws IOException {
    Socket socket = connect();
    socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    return socket;
  }

  private static String rest(Socket socket) throws IOException {
    try {
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    } catch (SocketException reset) {
      return "";
    }
  }

  private static String get(String path) {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  }

  /** Nothing at all, a head that drips, a body that drips, and a connection that is done. */
  @Test
  void should_close_connections_that_never_finish_a_request() throws Exception {
    listen();
    List<Socket> slow = new ArrayList<>();
    long begin = System.nanoTime();
    slow.add(connect());
    slow.add(send("GET /hello HTTP/1.1\r\nHost: localhost\r\nX-A: "));
    slow.add(send("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"));

    await()
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofMillis(50))
        .until(
            () -> {
              try {
                slow.get(1).getOutputStream().write('a');
              } catch (SocketException gone) {
                // closed, as it should be
              }
              return connections.open() == 0;
            });

    long millis = (System.nanoTime() - begin) / 1_000_000;
    assertTrue(millis >= PATIENCE.toMillis() - 100, "closed after " + millis + " ms");
    assertTrue(rest(slow.get(2)).startsWith("HTTP/1.1 200"), "what was asked in time is answered");
    assertTrue(rest(send(get("/observe/health"))).endsWith("well"));
  }

  @Test
  void should_leave_streams_alone() throws Exception {
    listen();

    assertTrue(rest(send(get("/stream"))).contains("last"));
  }

  @Test
  void should_tell_those_who_are_too_many_and_still_answer_for_health() throws Exception {
    Duration patience = Duration.ofSeconds(60);
    connections = new HttpConnections(patience, patience, MOST, MOST_AT_ALL);
    listen();
    for (int i = 0; i < MOST; i++) {
      send("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    await().until(() -> connections.open() == MOST);

    String refused = rest(send(get("/hello")));
    assertTrue(refused.startsWith("HTTP/1.1 503"), refused);
    assertTrue(refused.contains("too many are connected"), refused);
    assertTrue(rest(send(get("/observe/health"))).endsWith("well"));
    await().until(() -> connections.open() == MOST);
    for (int i = MOST; i < MOST_AT_ALL; i++) {
      send("GET /never HTTP/1.1\r\nHost: localhost\r\n");
    }
    await().until(() -> connections.open() == MOST_AT_ALL);
    assertEquals("", rest(connect()));
    for (Socket socket : sockets) {
      socket.close();
    }
    await().until(() -> connections.open() == 0);
    assertTrue(rest(send(get("/hello"))).endsWith("hello"));
  }

  @Test
  void should_refuse_bodies_that_are_too_large_or_have_no_end() throws Exception {
    listen();
    String post = "POST /hello HTTP/1.1\r\nHost: localhost\r\n";

    String declared = rest(send(post + "Content-Length: 1073741824\r\n\r\n"));
    assertTrue(declared.startsWith("HTTP/1.1 413"), declared);
    String chunk = "1000\r\n" + "x".repeat(0x1000) + "\r\n";
    String chunked = rest(send(post + "Transfer-Encoding: chunked\r\n\r\n" + chunk.repeat(20)));
    assertTrue(chunked.isEmpty() || chunked.startsWith("HTTP/1.1 413"), chunked);
    assertTrue(
        rest(send(post + "Connection: close\r\nContent-Length: 4\r\n\r\nfine")).endsWith("hello"));
    // Its body never comes.
    assertEquals("", rest(send(post + "Content-Length: 4\r\n\r\nfi")));
  }

  /** Whatever is answered to the first of two, the second was never asked. */
  @Test
  void should_not_see_two_requests_in_one() throws Exception {
    listen();
    String hidden = get("/hello");
    String post = "POST /observe/health HTTP/1.1\r\nHost: localhost\r\n";
    String chunks = "0\r\n\r\n";

    for (String smuggled :
        List.of(
            post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + hidden,
            post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunks + hidden,
            post + "Content-Length: 4\r\nContent-Length: 0\r\n\r\n" + hidden,
            post + "Transfer-Encoding: xchunked\r\n\r\n" + chunks + hidden,
            post + "Transfer-Encoding : chunked\r\n\r\n" + chunks + hidden,
            post + "Content-Length: +0\r\n\r\n" + hidden,
            post + "Content-Length: 0x0\r\n\r\n" + hidden)) {
      String answer = rest(send(smuggled));
      assertTrue(!answer.contains("hello"), () -> smuggled + "\n---\n" + answer);
    }
  }

  @Test
  void should_speak_no_http_2() throws Exception {
    listen();

    String answer = rest(send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    assertTrue(!answer.contains("\0\0"), "frames came back");
    assertTrue(
        !rest(send(
                "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings, close\r\n"
                    + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"))
            .contains(" 101 "));
  }
}
