package routes.webhook;

import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLException;
import org.apache.camel.component.http.HttpClientConfigurer;
import org.apache.hc.client5.http.auth.AuthScope;
import org.apache.hc.client5.http.auth.UsernamePasswordCredentials;
import org.apache.hc.client5.http.classic.ExecChain;
import org.apache.hc.client5.http.classic.ExecChainHandler;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.impl.ChainElement;
import org.apache.hc.client5.http.impl.auth.BasicCredentialsProvider;
import org.apache.hc.client5.http.impl.classic.HttpClientBuilder;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.concurrent.Cancellable;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.io.SocketConfig;
import org.apache.hc.core5.util.Timeout;
import routes.settings.Outgoing;
import routes.settings.Settings;

/**
 * Calls somebody who is not to be trusted: without redirects, cookies and retries of its own; one
 * call has one deadline, and its answer has bounds. See docs/decisions/0014.
 */
public final class WebhookClient implements HttpClientConfigurer, ExecChainHandler, AutoCloseable {
  private static final String REACHED = "waybill.reached";
  private static final int MOST_HEADERS = 100;
  private static final int LONGEST_LINE = 8 * 1024;
  private static final Duration LONGEST_CHAT = Duration.ofSeconds(10);
  private static final int MOST_CHATS = 5;

  private final Duration longest;
  private final int answerMax;
  private final Optional<URI> proxy;
  private final PoolingHttpClientConnectionManager connections;
  private final ScheduledThreadPoolExecutor deadlines;

  /**
   * @param longest all of one call: connecting, TLS, and the answer to its last byte
   * @param proxy {@code http://[user:password@]host:port}
   * @param most calls at once
   */
  WebhookClient(Outgoing settings, Optional<URI> proxy, Duration longest, int most) {
    this.longest = longest;
    this.answerMax = settings.answerMax();
    this.proxy = proxy;
    Timeout each = Timeout.ofMilliseconds(longest.toMillis());
    connections =
        PoolingHttpClientConnectionManagerBuilder.create()
            .setTlsSocketStrategy(WhomToTrust.of(settings))
            .setConnectionFactory(
                ManagedHttpClientConnectionFactory.builder()
                    .http1Config(
                        Http1Config.custom()
                            .setMaxHeaderCount(MOST_HEADERS)
                            .setMaxLineLength(LONGEST_LINE)
                            // Head and body in one packet: without it each is one of its own.
                            .setChunkSizeHint(Http1Config.DEFAULT.getBufferSize())
                            .build())
                    .build())
            .setDefaultSocketConfig(SocketConfig.custom().setSoTimeout(each).build())
            .setDefaultConnectionConfig(ConnectionConfig.custom().setSocketTimeout(each).build())
            .setMaxConnTotal(most)
            .setMaxConnPerRoute(most)
            .build();
    deadlines =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "webhook-deadlines");
              thread.setDaemon(true);
              return thread;
            });
    deadlines.setRemoveOnCancelPolicy(true);
  }

  /** The webhook's: with its settings, and the proxy that they or the environment name. */
  public static WebhookClient ofWebhook(Settings settings, Map<String, String> environment) {
    Settings.Webhook webhook = settings.webhook();
    return new WebhookClient(
        settings.outgoing(),
        Proxies.of(webhook.url(), settings.outgoing(), environment),
        webhook.connectTimeout().plus(webhook.timeout()),
        settings.workers());
  }

  /** The chat's, which has no settings of its own. */
  public static WebhookClient ofChat(Settings settings, Map<String, String> environment) {
    return new WebhookClient(
        settings.outgoing().withoutOwn(),
        settings.watching().url().flatMap(url -> Proxies.of(url, environment)),
        LONGEST_CHAT,
        MOST_CHATS);
  }

  /** Bound beside this, for the endpoint to take. */
  public PoolingHttpClientConnectionManager connections() {
    return connections;
  }

  @Override
  public void configureHttpClient(HttpClientBuilder client) {
    // Its own retries and redirects would go round the redelivery policy, and past the signature's
    // host.
    client.disableAutomaticRetries().disableRedirectHandling().disableCookieManagement();
    // A small answer could become a large one.
    client.disableContentCompression();
    client.addExecInterceptorFirst("bounds", this);
    // After it comes the receiver, where there is a proxy: what is answered before is the proxy's.
    client.addExecInterceptorAfter(
        ChainElement.CONNECT.name(),
        "reached",
        (request, scope, chain) -> {
          scope.clientContext.setAttribute(REACHED, true);
          return chain.proceed(request, scope);
        });
    proxy.ifPresent(
        url -> {
          HttpHost host =
              new HttpHost("http", url.getHost(), url.getPort() == -1 ? 80 : url.getPort());
          client.setProxy(host);
          String[] user = String.valueOf(url.getUserInfo()).split(":", 2);
          if (user.length == 2) {
            BasicCredentialsProvider known = new BasicCredentialsProvider();
            known.setCredentials(
                new AuthScope(host),
                new UsernamePasswordCredentials(user[0], user[1].toCharArray()));
            client.setDefaultCredentialsProvider(known);
          }
        });
  }

  /**
   * One call. A time-out of the library is for each read: an answer of a byte a second would last
   * for ever.
   */
  @Override
  public ClassicHttpResponse execute(
      ClassicHttpRequest request, ExecChain.Scope scope, ExecChain chain)
      throws IOException, HttpException {
    Cancellable call = (Cancellable) scope.originalRequest;
    AtomicBoolean late = new AtomicBoolean();
    ScheduledFuture<?> deadline =
        deadlines.schedule(
            () -> {
              late.set(true);
              call.cancel();
            },
            longest.toMillis(),
            TimeUnit.MILLISECONDS);
    try {
      ClassicHttpResponse answer = chain.proceed(request, scope);
      HttpEntity body = answer.getEntity();
      answer.setEntity(null);
      if (body != null && !isReadToItsEnd(body)) {
        // Closing it in good order would read all of it.
        scope.execRuntime.discardEndpoint();
      }
      if (scope.clientContext.getAttribute(REACHED) == null) {
        throw new IOException("the proxy does not let it through: " + answer.getCode());
      }
      return answer;
    } catch (IOException | HttpException | RuntimeException e) {
      if (late.get()) {
        throw new SocketTimeoutException("no answer within " + longest.toMillis() + " ms");
      }
      if (e instanceof SSLException) {
        throw new SSLException(
            "the receiver is not who it should be, or TLS fails: " + plain(e), e);
      }
      throw e;
    } finally {
      deadline.cancel(false);
    }
  }

  /** Its status has come and decides: whatever becomes of the body makes no second call. */
  private boolean isReadToItsEnd(HttpEntity body) {
    if (body.getContentLength() > answerMax) {
      return false;
    }
    byte[] part = new byte[8 * 1024];
    try {
      InputStream in = body.getContent();
      long all = 0;
      for (int read = in.read(part); read >= 0; read = in.read(part)) {
        all += read;
        if (all > answerMax) {
          return false;
        }
      }
      return true;
    } catch (IOException cutOff) {
      return false;
    }
  }

  /** A certificate's names are the receiver's to choose. */
  private static String plain(Exception e) {
    byte[] ascii = String.valueOf(e.getMessage()).getBytes(StandardCharsets.US_ASCII);
    String text = new String(ascii, StandardCharsets.US_ASCII).replaceAll("\\p{Cntrl}", "?");
    return text.substring(0, Math.min(text.length(), 500));
  }

  @Override
  public void close() {
    deadlines.shutdownNow();
    connections.close();
  }
}
