package routes.settings;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * How the webhook's receiver is reached, and how much of its answer is borne.
 *
 * @param answerMax bytes of an answer's body; what comes after them is not read
 * @param verifyTls whether the receiver has to prove who it is
 * @param trusted certificates that may vouch for it; empty for those the JVM trusts
 * @param proxy {@code http://[user:password@]host:port}; empty if none is set here
 * @param direct whether proxies that the environment names are passed by
 */
public record Outgoing(
    int answerMax,
    boolean verifyTls,
    List<Certificate> trusted,
    Optional<URI> proxy,
    boolean direct) {
  private static final String PROXY = "waybill.webhook.proxy";
  private static final String DIRECT = "none";

  /** The same bounds, and nothing that was set for the webhook's receiver alone. */
  public Outgoing withoutOwn() {
    return new Outgoing(answerMax, true, List.of(), Optional.empty(), false);
  }

  static Outgoing read(Reader read) {
    String proxy = read.secret(PROXY);
    boolean direct = proxy.equalsIgnoreCase(DIRECT);
    return new Outgoing(
        (int) read.size("waybill.webhook.answer-max", 0, 16 << 20),
        read.choice("waybill.webhook.tls-verify", Settings.Switch.class) == Settings.Switch.TRUE,
        trusted(read),
        proxy.isBlank() || direct ? Optional.empty() : proxy(read, proxy),
        direct);
  }

  /**
   * What an operator has to hear of at each start.
   *
   * @param url of the webhook
   */
  void warn(Reader read, URI url) {
    if (!verifyTls) {
      read.warn(
          "waybill.webhook.tls-verify is false: whoever is between here and the webhook's receiver can read"
              + " API_SECRET_KEY");
    }
    if (url.getScheme().equalsIgnoreCase("http") && !isHere(url.getHost())) {
      read.warn(
          "WEBHOOK_URL is http and not of this host: API_SECRET_KEY can be read on its way there");
    }
  }

  /** Whether a name or address means this host, without asking anybody for it. */
  public static boolean isHere(String host) {
    if (host.equalsIgnoreCase("localhost")) {
      return true;
    }
    try {
      return host.matches("\\[.*]|[0-9.]+") && InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException notAnAddress) {
      return false;
    }
  }

  private static Optional<URI> proxy(Reader read, String text) {
    Optional<URI> proxy = Reader.web(text).filter(url -> url.getScheme().equalsIgnoreCase("http"));
    if (proxy.isEmpty()) {
      read.hiddenFault(PROXY, "http://host:port, none, or nothing");
    }
    return proxy;
  }

  private static List<Certificate> trusted(Reader read) {
    String key = "waybill.webhook.trust-store";
    String file = read.text(key);
    if (file.isBlank()) {
      return List.of();
    }
    try (InputStream in = Files.newInputStream(Path.of(file))) {
      Collection<? extends Certificate> found =
          CertificateFactory.getInstance("X.509").generateCertificates(in);
      if (!found.isEmpty()) {
        return List.copyOf(found);
      }
    } catch (IOException | CertificateException | IllegalArgumentException unreadable) {
      // falls through to the fault
    }
    read.fault(key, "a readable file of certificates in PEM");
    return List.of();
  }
}
