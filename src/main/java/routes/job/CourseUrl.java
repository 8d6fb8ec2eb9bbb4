package routes.job;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** The address of a course: http or https, printable ASCII, on a host that the operator allowed. */
public final class CourseUrl {
  /** Longest address, in characters. Source: CONTRACT.md, section 2. */
  public static final int MAX_LENGTH = 2048;

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
      char c = text.charAt(i);
      if (c < 0x21 || c > 0x7e) {
        throw bad("printable ASCII", String.format("U+%04X at position %d", (int) c, i + 1));
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
      throw bad("http or https", scheme.isEmpty() ? "no scheme" : "the scheme " + scheme);
    }
    if (uri.getHost() == null) {
      throw bad("a host name", "none that can be read");
    }
    if (uri.getRawUserInfo() != null) {
      throw bad("no user or password before the host", "one");
    }
    return new CourseUrl(text, uri);
  }

  /**
   * @param allowed exact names, or suffixes that begin with a dot; either may name a port
   */
  public boolean isOn(List<String> allowed) {
    String host = uri.getHost().toLowerCase(Locale.ROOT);
    String withPort = host + ":" + port();
    return allowed.stream()
        .anyMatch(
            entry ->
                entry.startsWith(".")
                    ? host.endsWith(entry) || withPort.endsWith(entry)
                    : host.equals(entry) || withPort.equals(entry));
  }

  public String host() {
    return uri.getHost();
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
