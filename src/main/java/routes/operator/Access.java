package routes.operator;

import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Who may do what over HTTP. Source: CONTRACT.md, sections 1 and 7: reading from this host needs
 * nothing; every change, and everything from elsewhere, needs the token.
 */
final class Access {
  /** What a request may do, or why not. */
  enum Verdict {
    /** Reads, with e-mail addresses masked. */
    READ,
    /** Reads all and changes. */
    ALL,
    NO_TOKEN,
    WRONG_TOKEN,
    TOKEN_NOT_SET,
    TOO_MANY_FAILURES
  }

  /** What a proxy adds; an older one speaks HTTP/1.0. */
  private static final List<String> PROXIES =
      List.of("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via");

  private static final String BEARER = "Bearer ";
  private static final int MOST_FAILURES = 10;
  private static final long WINDOW_MILLIS = 60_000;
  private static final int MOST_ADDRESSES = 10_000;

  /**
   * @param last digest of the wrong token: the same one again is a forgotten page, and no guess
   */
  private record Failures(long since, int number, String last) {}

  private final List<byte[]> tokens;
  private final Clock clock;
  private final Map<String, Failures> failures = new ConcurrentHashMap<>();

  /**
   * @param tokens each of them may do the same; none if none is set
   */
  Access(List<String> tokens, Clock clock) {
    this.tokens = tokens.stream().map(Access::digest).toList();
    this.clock = clock;
  }

  Verdict judge(HttpServerRequest request, boolean changes) {
    String address = request.remoteAddress().hostAddress();
    String header = request.getHeader("Authorization");
    if (header == null) {
      if (!changes && isFromHere(request)) {
        return Verdict.READ;
      }
      return tokens.isEmpty() ? Verdict.TOKEN_NOT_SET : Verdict.NO_TOKEN;
    }
    if (tokens.isEmpty()) {
      return Verdict.TOKEN_NOT_SET;
    }
    if (failuresOf(address) >= MOST_FAILURES) {
      return Verdict.TOO_MANY_FAILURES;
    }
    if (header.startsWith(BEARER) && isOne(header.substring(BEARER.length()))) {
      return Verdict.ALL;
    }
    if (failures.size() < MOST_ADDRESSES || failures.containsKey(address)) {
      String wrong = HexFormat.of().formatHex(digest(header));
      failures.merge(
          address,
          new Failures(clock.millis(), 1, wrong),
          (before, one) -> {
            if (isOver(before)) {
              return one;
            }
            int more = before.last.equals(wrong) ? 0 : 1;
            return new Failures(before.since, before.number + more, wrong);
          });
    }
    return Verdict.WRONG_TOKEN;
  }

  /** Compares with all of them, whichever it is: how long that takes tells nothing. */
  private boolean isOne(String given) {
    byte[] digest = digest(given);
    boolean found = false;
    for (byte[] token : tokens) {
      found |= MessageDigest.isEqual(token, digest);
    }
    return found;
  }

  private int failuresOf(String address) {
    failures.values().removeIf(this::isOver);
    Failures found = failures.get(address);
    return found == null ? 0 : found.number;
  }

  private boolean isOver(Failures found) {
    return clock.millis() - found.since > WINDOW_MILLIS;
  }

  /**
   * A proxy on this host speaks for somebody else, and a page of another site that a browser on
   * this host shows may have made its name point here.
   */
  private static boolean isFromHere(HttpServerRequest request) {
    if (PROXIES.stream().anyMatch(header -> request.getHeader(header) != null)
        || request.version() == HttpVersion.HTTP_1_0
        || isOfAnotherSite(request)) {
      return false;
    }
    try {
      String named = request.authority() == null ? "" : request.authority().host();
      String host = named.replaceAll("[\\[\\]]", "");
      boolean namesThisHost =
          host.equals("localhost") || host.equals("127.0.0.1") || host.equals("::1");
      return namesThisHost
          && InetAddress.getByName(request.remoteAddress().hostAddress()).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }

  /** A browser of today says whose page asks; it could not read the answer, but make us work. */
  private static boolean isOfAnotherSite(HttpServerRequest request) {
    String site = request.getHeader("Sec-Fetch-Site");
    return site != null && !site.equals("same-origin") && !site.equals("none");
  }

  /** Of one length for all tokens, so that comparing them takes one time for all. */
  private static byte[] digest(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
