package routes.webhook;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLException;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import routes.settings.Outgoing;
import servers.RawServer;
import servers.TestCertificate;

/** What a receiver, or somebody on the way to it, may try. */
class WebhookClientTest {
  private static final Duration SHORT = Duration.ofMillis(400);
  private static final int ANSWER_MAX = 64 * 1024;
  private static final String OK = "HTTP/1.1 200 OK\r\n";
  private static final String EMPTY = OK + "Content-Length: 0\r\n\r\n";

  private static TestCertificate right;
  private static TestCertificate unknown;
  private static TestCertificate wrongHost;
  private static TestCertificate expired;

  private final List<AutoCloseable> opened = new ArrayList<>();
  private Duration longest = Duration.ofSeconds(60);
  private WebhookClient client;
  private CloseableHttpClient http;

  @BeforeAll
  static void makeCertificates(@TempDir Path directory) throws Exception {
    Path authority = TestCertificate.authority(directory);
    right = TestCertificate.make(directory, authority, "dns:localhost,ip:127.0.0.1");
    unknown = TestCertificate.make(directory, null, "dns:localhost");
    wrongHost = TestCertificate.make(directory, authority, "dns:elsewhere.example");
    expired =
        TestCertificate.make(
            directory, authority, "dns:localhost", "-startdate", "-20d", "-validity", "10");
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened) {
      each.close();
    }
  }

  private <T extends AutoCloseable> T open(T closeable) {
    opened.add(closeable);
    return closeable;
  }

  private void use(Outgoing settings, Optional<URI> proxy) {
    client = open(new WebhookClient(settings, proxy, longest, 2));
    HttpClientBuilder builder =
        HttpClientBuilder.create().setConnectionManager(client.connections());
    client.configureHttpClient(builder);
    http = open(builder.build());
  }

  private static Outgoing outgoing(boolean verifyTls, Certificate... trusted) {
    return new Outgoing(ANSWER_MAX, verifyTls, List.of(trusted), Optional.empty(), false);
  }

  private static Certificate read(TestCertificate certificate) throws Exception {
    return CertificateFactory.getInstance("X.509")
        .generateCertificate(new ByteArrayInputStream(Files.readAllBytes(certificate.pem())));
  }

  /** As Camel's producer calls. */
  private int post(String url) throws IOException {
    if (client == null) {
      use(outgoing(true), Optional.empty());
    }
    HttpPost request = new HttpPost(url);
    request.setEntity(new StringEntity("{}"));
    long begin = System.nanoTime();
    try {
      ClassicHttpResponse answer =
          http.executeOpen(HttpHost.create(URI.create(url)), request, null);
      assertEquals(null, answer.getEntity());
      return answer.getCode();
    } finally {
      long millis = (System.nanoTime() - begin) / 1_000_000;
      assertTrue(millis < longest.toMillis() + 20_000, "took " + millis + " ms");
      await("no connection is held")
          .atMost(Duration.ofSeconds(5))
          .pollInterval(Duration.ofMillis(5))
          .until(() -> client.connections().getTotalStats().getLeased() == 0);
    }
  }

  private RawServer answers(String head, String again, long pauseMillis) throws IOException {
    return open(
        RawServer.start(
            socket -> {
              RawServer.readRequest(socket);
              RawServer.send(socket, head);
              RawServer.repeat(socket, again, pauseMillis);
            }));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Transfer-Encoding: chunked\r\n\r\n",
        "Content-Length: 1073741824\r\n\r\n",
        "Content-Encoding: gzip\r\n\r\n",
        "Connection: close\r\n\r\n"
      })
  void should_take_the_status_and_not_an_answer_without_end(String headers) throws Exception {
    RawServer server = answers(OK + headers, "2000\r\n" + "x".repeat(0x2000) + "\r\n", 0);
    long begin = System.nanoTime();

    assertEquals(200, post(server.url()));

    assertTrue(System.nanoTime() - begin < longest.toNanos() / 2, "cut off by the clock alone");

    await().until(() -> server.connections() == 0);
  }

  @Test
  void should_take_the_status_when_the_body_drips() throws Exception {
    longest = Duration.ofSeconds(3);
    RawServer server = answers(OK + "Content-Length: 1000\r\n\r\n", "x", 100);

    assertEquals(200, post(server.url()));
  }

  @ParameterizedTest
  @ValueSource(ints = {200, 500})
  void should_take_the_status_when_the_body_is_cut(int status) throws Exception {
    RawServer server =
        open(
            RawServer.start(
                socket -> {
                  RawServer.readRequest(socket);
                  RawServer.send(
                      socket, "HTTP/1.1 " + status + " x\r\nContent-Length: 1000\r\n\r\nhalf");
                }));

    assertEquals(status, post(server.url()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"X", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n"})
  void should_not_wait_for_ever_for_a_status(String drip) throws Exception {
    longest = SHORT;
    RawServer server = answers("", drip, 50);

    Exception failure = assertThrows(SocketTimeoutException.class, () -> post(server.url()));

    assertEquals("no answer within 400 ms", failure.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"X-More: 1\r\n", "X-Long-without-end"})
  void should_not_read_headers_without_end(String header) throws Exception {
    RawServer server = answers(OK, header, 0);

    IOException failure = assertThrows(IOException.class, () -> post(server.url()));

    assertTrue(failure.getMessage().contains("Maximum"), failure::toString);
  }

  @Test
  void should_not_wait_for_a_handshake_that_drips() throws Exception {
    longest = SHORT;
    RawServer server = open(RawServer.start(socket -> RawServer.repeat(socket, "\26", 50)));

    assertThrows(IOException.class, () -> post("https://localhost:" + server.port() + "/"));
  }

  @Test
  void should_keep_a_connection_whose_answer_was_short() throws Exception {
    RawServer server = open(RawServer.answering(OK + "Content-Length: 4\r\n\r\nfine"));

    for (int i = 0; i < 5; i++) {
      assertEquals(200, post(server.url()));
      assertEquals(1, server.connections());
    }
  }

  private String secure(TestCertificate certificate) throws Exception {
    RawServer server =
        open(
            RawServer.start(
                certificate.context().getServerSocketFactory(),
                socket -> {
                  while (RawServer.readRequest(socket) != null) {
                    RawServer.send(socket, EMPTY);
                  }
                }));
    return "https://localhost:" + server.port() + "/";
  }

  private void expectRefusal(TestCertificate shown, String reason) throws Exception {
    String url = secure(shown);

    SSLException failure = assertThrows(SSLException.class, () -> post(url));

    assertTrue(failure.getMessage().startsWith("the receiver is not who"), failure::toString);
    assertTrue(failure.getMessage().contains(reason), failure::toString);
  }

  @Test
  void should_refuse_a_certificate_that_nobody_vouches_for() throws Exception {
    expectRefusal(unknown, "unable to find valid certification path");
  }

  @Test
  void should_refuse_a_certificate_of_another_host() throws Exception {
    use(outgoing(true, read(right)), Optional.empty());
    expectRefusal(wrongHost, "localhost");
  }

  @Test
  void should_refuse_a_certificate_that_is_over() throws Exception {
    use(outgoing(true, read(right)), Optional.empty());
    expectRefusal(expired, "validity check failed");
  }

  @Test
  void should_trust_whom_the_operator_trusts_and_nobody_else() throws Exception {
    use(outgoing(true, read(right)), Optional.empty());

    assertEquals(200, post(secure(right)));
    expectRefusal(unknown, "unable to find valid certification path");
  }

  @Test
  void should_trust_anybody_only_when_it_is_told_to() throws Exception {
    use(outgoing(false), Optional.empty());

    assertEquals(200, post(secure(unknown)));
    assertEquals(200, post(secure(wrongHost)));
    assertEquals(200, post(secure(expired)));
  }

  /** Takes CONNECT with the password alone, and hands the bytes on. */
  private RawServer proxy(List<String> seen) throws IOException {
    String allowed = Base64.getEncoder().encodeToString("waybill:pass".getBytes());
    return open(
        RawServer.start(
            socket -> {
              String head = RawServer.readRequest(socket);
              while (head != null && !head.contains("Proxy-Authorization: Basic " + allowed)) {
                RawServer.send(
                    socket,
                    "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n");
                head = RawServer.readRequest(socket);
              }
              if (head == null) {
                return;
              }
              seen.add(head);
              String[] to = head.split(" ")[1].split(":");
              try (java.net.Socket target = new java.net.Socket(to[0], Integer.parseInt(to[1]))) {
                RawServer.send(socket, "HTTP/1.1 200 Go on\r\n\r\n");
                Thread back =
                    new Thread(
                        () -> {
                          try {
                            target.getInputStream().transferTo(socket.getOutputStream());
                          } catch (IOException gone) {
                            // the test is over
                          }
                        });
                back.setDaemon(true);
                back.start();
                socket.getInputStream().transferTo(target.getOutputStream());
              }
            }));
  }

  @Test
  void should_go_through_the_proxy_and_show_it_nothing() throws Exception {
    List<String> seen = new java.util.concurrent.CopyOnWriteArrayList<>();
    int proxy = proxy(seen).port();
    use(
        outgoing(true, read(right)),
        Optional.of(URI.create("http://waybill:pass@127.0.0.1:" + proxy)));
    String url = secure(right);

    assertEquals(200, post(url + "hook?key=secret"));

    assertEquals(1, seen.size());
    assertTrue(seen.get(0).startsWith("CONNECT localhost:"), seen::toString);
    assertTrue(seen.stream().noneMatch(head -> head.contains("secret")), seen::toString);
  }

  @Test
  void should_not_take_a_proxys_refusal_for_the_receivers_answer() throws Exception {
    RawServer proxy = open(RawServer.answering("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno"));
    use(outgoing(true), Optional.of(URI.create("http://127.0.0.1:" + proxy.port())));

    assertThrows(IOException.class, () -> post("https://shop.example/hook"));
  }

  @Test
  void should_find_the_proxy_as_other_programs_do() {
    Map<String, String> environment =
        Map.of(
            "https_proxy", "http://secure.example:3128",
            "http_proxy", "plain.example:3129",
            "no_proxy", "internal.example, .corp");
    Outgoing nothing = outgoing(true);

    assertEquals("secure.example", host("https://shop.example/", nothing, environment));
    assertEquals("plain.example", host("http://shop.example/", nothing, environment));
    for (String direct :
        List.of("https://internal.example/", "https://a.internal.example/", "https://x.corp/")) {
      assertEquals("", host(direct, nothing, environment));
    }
    for (String here : List.of("http://localhost:1/", "http://127.0.0.7/", "http://[::1]/")) {
      assertEquals("", host(here, nothing, environment));
    }
    assertEquals("secure.example", host("https://evilinternal.example/", nothing, environment));
    assertEquals("", host("https://s.example/", nothing, Map.of("HTTP_PROXY", "http://x:1")));
    assertEquals("", host("http://s.example/", nothing, Map.of("HTTP_PROXY", "http://x:1")));
    Outgoing set =
        new Outgoing(0, true, List.of(), Optional.of(URI.create("http://set.example:1")), false);
    assertEquals("set.example", host("https://internal.example/", set, environment));
    Outgoing direct = new Outgoing(0, true, List.of(), Optional.empty(), true);
    assertEquals("", host("https://shop.example/", direct, environment));
    Exception bad =
        assertThrows(
            IllegalArgumentException.class,
            () -> host("https://s.example/", nothing, Map.of("https_proxy", "http://u:pw@ x")));
    assertTrue(!bad.toString().contains("pw"), bad::toString);
  }

  private static String host(String target, Outgoing settings, Map<String, String> environment) {
    return Proxies.of(URI.create(target), settings, environment).map(URI::getHost).orElse("");
  }
}
