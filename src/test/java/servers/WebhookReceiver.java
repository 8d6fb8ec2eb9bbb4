package servers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The shop's webhook, as the contract describes it from the other side: it checks both signatures
 * with code of its own, and answers as it was told to.
 */
public final class WebhookReceiver implements AutoCloseable {
  /**
   * @param status the answer that was given; 0 for a connection that was cut
   */
  public record Call(
      long taskId,
      String folder,
      String id,
      Map<String, String> headers,
      byte[] body,
      int status,
      boolean signed) {}

  /** An answer to be given. */
  public record Answer(int status, Map<String, String> headers, String body) {
    public static final Answer CUT = new Answer(0, Map.of());

    public Answer(int status, Map<String, String> headers) {
      this(status, headers, "");
    }

    public static Answer of(int status) {
      return new Answer(status, Map.of());
    }
  }

  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private volatile Consumer<Call> listener = call -> {};
  private final String secret;
  private final String signingSecret;
  private final List<Call> calls = new CopyOnWriteArrayList<>();
  private volatile int chatAnswer = 200;
  private final AtomicInteger refusedChats = new AtomicInteger();
  private final AtomicInteger elsewhere = new AtomicInteger();
  private final List<String> chats = new CopyOnWriteArrayList<>();
  private final Map<Long, List<Answer>> answers = new ConcurrentHashMap<>();

  private WebhookReceiver(HttpServer server, String secret, String signingSecret) {
    this.server = server;
    this.secret = secret;
    this.signingSecret = signingSecret;
  }

  public static WebhookReceiver start(String secret, String signingSecret) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    WebhookReceiver receiver = new WebhookReceiver(server, secret, signingSecret);
    server.createContext("/webhook", receiver::receive);
    server.createContext("/chat", receiver::hear);
    server.createContext(
        "/elsewhere",
        exchange -> {
          receiver.elsewhere.incrementAndGet();
          receiver.answer(exchange, Answer.of(200));
        });
    server.setExecutor(receiver.threads);
    server.start();
    return receiver;
  }

  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/webhook";
  }

  /** A chat's incoming webhook, whose address holds a token as such ones do. */
  public String chatUrl() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/chat/token-71d2";
  }

  /** From now on the chat answers so. */
  public void answerChat(int status) {
    chatAnswer = status;
  }

  /** How often it has answered something else than 200. */
  public int refusedChats() {
    return refusedChats.get();
  }

  /** What was posted to the chat, in order. */
  public List<String> chats() {
    return List.copyOf(chats);
  }

  private void hear(HttpExchange exchange) throws IOException {
    if (chatAnswer != 200) {
      answer(exchange, Answer.of(chatAnswer));
      refusedChats.incrementAndGet();
      return;
    }
    chats.add(JSON.readTree(exchange.getRequestBody().readAllBytes()).path("text").asText());
    answer(exchange, Answer.of(200));
  }

  public int port() {
    return server.getAddress().getPort();
  }

  /**
   * @param listener told of each call before it is answered
   */
  public void onCall(Consumer<Call> listener) {
    this.listener = listener;
  }

  /** How often somebody came to the place where redirects point. */
  public int elsewhere() {
    return elsewhere.get();
  }

  public List<Call> calls() {
    return List.copyOf(calls);
  }

  public List<Call> calls(long taskId) {
    return calls.stream().filter(call -> call.taskId() == taskId).toList();
  }

  /** The next calls about this task are answered so, one after the other; then with 200. */
  public void answer(long taskId, Answer... next) {
    answers.put(taskId, new ArrayList<>(List.of(next)));
  }

  private void receive(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    Map<String, String> headers = new LinkedHashMap<>();
    exchange
        .getRequestHeaders()
        .forEach((name, values) -> headers.put(name.toLowerCase(), values.get(0)));
    JsonNode json = JSON.readTree(body);
    long taskId = json.path("task_id").asLong();
    String folder = json.path("folder_name").asText();
    Answer answer = next(taskId);
    Call call =
        new Call(
            taskId,
            folder,
            headers.get("webhook-id"),
            headers,
            body,
            answer.status(),
            isSigned(json, headers, body));
    calls.add(call);
    listener.accept(call);
    if (answer == Answer.CUT) {
      exchange.close();
      return;
    }
    answer(exchange, answer);
  }

  private Answer next(long taskId) {
    List<Answer> planned = answers.get(taskId);
    if (planned == null) {
      return Answer.of(200);
    }
    synchronized (planned) {
      return planned.isEmpty() ? Answer.of(200) : planned.remove(0);
    }
  }

  private void answer(HttpExchange exchange, Answer answer) throws IOException {
    answer.headers().forEach((name, value) -> exchange.getResponseHeaders().set(name, value));
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  private boolean isSigned(JsonNode json, Map<String, String> headers, byte[] body) {
    String timestamp = json.path("timestamp").asText();
    String first =
        HexFormat.of()
            .formatHex(
                hmac(
                    secret.getBytes(StandardCharsets.UTF_8),
                    (json.path("task_id").asText() + json.path("folder_name").asText() + timestamp)
                        .getBytes(StandardCharsets.UTF_8)));
    boolean well =
        secret.equals(json.path("secret_key").asText())
            && timestamp.equals(headers.get("x-timestamp"))
            && first.equals(headers.get("x-signature"))
            && headers.get("webhook-id") != null
            && headers.get("webhook-id").equals(headers.get("idempotency-key"));
    if (signingSecret == null) {
      return well && !headers.containsKey("webhook-signature");
    }
    byte[] key = Base64.getDecoder().decode(signingSecret.substring("whsec_".length()));
    String signed = headers.get("webhook-id") + "." + headers.get("webhook-timestamp") + ".";
    byte[] head = signed.getBytes(StandardCharsets.UTF_8);
    byte[] all = new byte[head.length + body.length];
    System.arraycopy(head, 0, all, 0, head.length);
    System.arraycopy(body, 0, all, head.length, body.length);
    String second = "v1," + Base64.getEncoder().encodeToString(hmac(key, all));
    return well && second.equals(headers.get("webhook-signature"));
  }

  private static byte[] hmac(byte[] key, byte[] message) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(message);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
