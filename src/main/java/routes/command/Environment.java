package routes.command;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The environment a program is given: what every program needs, and what the operator named. */
public final class Environment {
  private static final List<String> EVERYBODY =
      List.of("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR");

  /** Whose user they speak of. */
  private static final List<String> PERSONAL = List.of("HOME", "USER", "TMPDIR");

  /** Where the network and its certificates are; a cloud drive is behind them as often as not. */
  private static final List<String> NETWORK =
      List.of(
          "HTTP_PROXY",
          "HTTPS_PROXY",
          "NO_PROXY",
          "http_proxy",
          "https_proxy",
          "no_proxy",
          "SSL_CERT_FILE",
          "SSL_CERT_DIR",
          "XDG_CONFIG_HOME",
          "XDG_CACHE_HOME");

  /**
   * rclone fills a table for its full-screen commands whenever it starts, which is half of what a
   * start costs; tcell, which is in it, leaves that out when this is set. None of ours draws a
   * screen.
   */
  private static final Map<String, String> NO_SCREEN = Map.of("TCELL_MINIMIZE", "1");

  private Environment() {}

  /** For the downloader. */
  public static Map<String, String> scrubbed(Map<String, String> own, Collection<String> named) {
    Map<String, String> environment = new LinkedHashMap<>();
    copy(own, EVERYBODY, environment);
    copy(own, named, environment);
    return environment;
  }

  /** For a downloader that is another user's: that one's home is not ours. */
  public static Map<String, String> ofAnotherUser(
      Map<String, String> own, Collection<String> named) {
    Map<String, String> environment = new LinkedHashMap<>();
    copy(own, EVERYBODY, environment);
    environment.keySet().removeAll(PERSONAL);
    copy(own, named, environment);
    return environment;
  }

  /** For rclone: never its {@code RCLONE_*} variables, which could point it elsewhere. */
  public static Map<String, String> forRclone(Map<String, String> own) {
    Map<String, String> environment = new LinkedHashMap<>();
    copy(own, EVERYBODY, environment);
    copy(own, NETWORK, environment);
    environment.putAll(NO_SCREEN);
    return environment;
  }

  private static void copy(
      Map<String, String> from, Collection<String> names, Map<String, String> to) {
    for (String name : names) {
      if (from.containsKey(name)) {
        to.put(name, from.get(name));
      }
    }
  }
}
