package routes.webhook;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import routes.settings.Outgoing;

/** Through which proxy an address is reached, if through one. */
final class Proxies {
  private Proxies() {}

  /**
   * What the setting says; else what the environment says by the names that other programs know.
   *
   * @return {@code http://[user:password@]host:port}
   */
  static Optional<URI> of(URI target, Outgoing settings, Map<String, String> environment) {
    if (settings.direct() || settings.proxy().isPresent()) {
      return settings.proxy();
    }
    return of(target, environment);
  }

  /** Never HTTP_PROXY in capitals: where a CGI runs, a request's header {@code Proxy} sets it. */
  static Optional<URI> of(URI target, Map<String, String> environment) {
    boolean https = target.getScheme().equalsIgnoreCase("https");
    String named =
        https
            ? environment.getOrDefault("https_proxy", environment.getOrDefault("HTTPS_PROXY", ""))
            : environment.getOrDefault("http_proxy", "");
    String without = environment.getOrDefault("no_proxy", environment.getOrDefault("NO_PROXY", ""));
    if (named.isBlank() || Outgoing.isHere(target.getHost()) || isExempt(target, without)) {
      return Optional.empty();
    }
    return Optional.of(proxy(named));
  }

  private static URI proxy(String named) {
    try {
      URI proxy = new URI(named.contains("://") ? named : "http://" + named);
      if (proxy.getHost() != null && proxy.getScheme().equalsIgnoreCase("http")) {
        return proxy;
      }
    } catch (URISyntaxException malformed) {
      // falls through: its message would show a password
    }
    throw new IllegalArgumentException(
        "https_proxy, http_proxy: expected http://host:port, found something else (not shown)");
  }

  private static boolean isExempt(URI target, String without) {
    String host = target.getHost().toLowerCase(Locale.ROOT);
    return Arrays.stream(without.toLowerCase(Locale.ROOT).split(","))
        .map(String::strip)
        .filter(entry -> !entry.isEmpty())
        .anyMatch(
            entry ->
                entry.equals("*")
                    || entry.equals(host)
                    || host.endsWith(entry.startsWith(".") ? entry : "." + entry));
  }
}
