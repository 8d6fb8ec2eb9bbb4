package routes.job;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** The address of a course: http or https, printable ASCII, on a host that the operator allowed. */
public final class CourseUrl {
  /** Longest address, in characters. Source: CONTRACT.md, section 2. */
  public static final int MAX_LENGTH = 2048;

  private static final Pattern ENCODED_CONTROL = Pattern.compile("(?i)%([01][0-9a-f]|7f)");

  private final String text;
  private final URI uri;

  private CourseUrl(String text, URI uri) {
    this.text = text;
    this.uri = uri;
  }

  /**
   * @throws IllegalArgumentException saying what was expected and what was found
   */
  public static CourseUrl parse(String text) {
    if (text.isEmpty() || text.length() > MAX_LENGTH) {
      throw bad("1 to " + MAX_LENGTH + " characters", text.length() + " characters");
    }
    for (int i = 0; i < text.length(); i++) {
      int c = text.codePointAt(i);
      if (c < 0x21 || c > 0x7e) {
        throw bad("printable ASCII", String.format("U+%04X at position %d", c, i + 1));
      }
    }
    URI uri;
    try {
      uri = new URI(text);
    } catch (URISyntaxException e) {
      throw bad("a URL", e.getReason() + " at position " + (e.getIndex() + 1));
    }
    String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    if (!scheme.equals("http") && !scheme.equals("https")) {
      throw bad(
          "http or https", scheme.isEmpty() ? "no scheme" : "the scheme " + Shown.text(scheme));
    }
    if (uri.getHost() == null) {
      throw bad("a host name", "none that can be read");
    }
    if (uri.getRawUserInfo() != null) {
      throw bad("no user or password before the host", "one");
    }
    if (uri.getPort() == 0 || uri.getPort() > 65535) {
      throw bad("a port from 1 to 65535", String.valueOf(uri.getPort()));
    }
    // What stands there in another spelling (":", ":0443") is read differently by different
    // programs.
    String host = uri.getPort() == -1 ? uri.getHost() : uri.getHost() + ":" + uri.getPort();
    if (!uri.getRawAuthority().equals(host)) {
      throw bad("a host, or host:port", Shown.text(uri.getRawAuthority()));
    }
    if (ENCODED_CONTROL.matcher(text).find()) {
      throw bad("no control characters", "one that is percent-encoded");
    }
    if (climbs(uri.getRawPath())) {
      throw bad("a path without '..'", Shown.text(uri.getRawPath()));
    }
    return new CourseUrl(text, uri);
  }

  /** Whether a part of the path is {@code ..}, however the dots and what parts them are written. */
  private static boolean climbs(String path) {
    String plain =
        path.replaceAll("(?i)%2e", ".").replaceAll("(?i)%2f", "/").replaceAll("(?i)%5c", "/");
    return List.of(plain.split("/")).contains("..");
  }

  /**
   * @param allowed exact names, or suffixes that begin with a dot; either may name a port, and
   *     without one any port will do. Addresses and {@code localhost} are allowed by their exact
   *     names only: a suffix is meant for names that somebody has registered.
   */
  public boolean isOn(List<String> allowed) {
    String host = uri.getHost().toLowerCase(Locale.ROOT);
    String withPort = host + ":" + port();
    boolean byNameOnly = isAddress(host) || host.matches("(.*\\.)?localhost\\.?");
    return allowed.stream()
        .anyMatch(
            entry ->
                entry.startsWith(".")
                    ? !byNameOnly && (host.endsWith(entry) || withPort.endsWith(entry))
                    : host.equals(entry) || withPort.equals(entry));
  }

  /** The last part of a name begins with a letter, the last part of an IPv4 address does not. */
  private static boolean isAddress(String host) {
    return host.startsWith("[") || host.matches("(.*\\.)?\\d[^.]*\\.?");
  }

  /** For messages. */
  public String shownHost() {
    return Shown.text(uri.getHost());
  }

  /** Two addresses are the same course when these are equal. Source: CONTRACT.md, section 3. */
  public String normalized() {
    return normalize(text);
  }

  /** SHA-256 of {@link #normalized()}, in hex: one key for all spellings of one course. */
  public String key() {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256")
                  .digest(normalized().getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The rule of {@link #normalized()} for any text, such as what the shop's row holds. */
  public static String normalize(String text) {
    int afterScheme = text.indexOf("://");
    if (afterScheme < 0) {
      return text;
    }
    int endOfHost = afterScheme + 3;
    // A query may come without a path: two courses that differ in its case are two.
    while (endOfHost < text.length() && "/?#".indexOf(text.charAt(endOfHost)) < 0) {
      endOfHost++;
    }
    String lower =
        text.substring(0, endOfHost).toLowerCase(Locale.ROOT) + text.substring(endOfHost);
    return lower.endsWith("/") ? lower.substring(0, lower.length() - 1) : lower;
  }

  private int port() {
    if (uri.getPort() != -1) {
      return uri.getPort();
    }
    return uri.getScheme().equalsIgnoreCase("https") ? 443 : 80;
  }

  @Override
  public String toString() {
    return text;
  }

  private static IllegalArgumentException bad(String expected, String found) {
    return new IllegalArgumentException("courseUrl: expected " + expected + ", found " + found);
  }
}
