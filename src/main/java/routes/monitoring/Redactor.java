package routes.monitoring;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import routes.settings.Settings;

/**
 * Takes secrets out of whatever leaves the process, in every way they are commonly written: as they
 * are, in JSON, in an address, in base64. One pass over the text, however many secrets there are.
 */
public final class Redactor {
  /** Put where a secret stood. */
  public static final String MASK = "***";

  /**
   * A program may be given other things than tokens through its environment: {@code true}, {@code
   * info}.
   */
  private static final int SHORTEST_PASSED = 6;

  /** Parts of an address are words as often as secrets. */
  private static final int SHORTEST_IN_ADDRESS = 8;

  private static final Set<String> PROXIES = Set.of("http_proxy", "https_proxy", "all_proxy");

  /** Not read as an address: what is malformed may hold a password all the same. */
  private static final Pattern USER_INFO =
      Pattern.compile("^(?:[a-z0-9]+://)?(.+)@", Pattern.CASE_INSENSITIVE);

  private static final byte[] MASK_BYTES = MASK.getBytes(StandardCharsets.US_ASCII);

  private final Patterns patterns;

  /**
   * @param secrets those that are null or shorter than {@link Settings#SHORTEST_SECRET} are passed
   *     over
   */
  public Redactor(Stream<String> secrets) {
    this.patterns =
        new Patterns(
            secrets
                .filter(secret -> secret != null && secret.length() >= Settings.SHORTEST_SECRET)
                .distinct()
                .flatMap(SecretForms::of)
                .distinct()
                .map(form -> form.getBytes(StandardCharsets.UTF_8))
                .toList());
  }

  /**
   * For all secrets of a worker.
   *
   * @param environment its own, of which the downloader is given what the settings name
   */
  public static Redactor of(Settings settings, Map<String, String> environment) {
    Stream<String> own =
        Stream.of(
                Stream.of(
                    settings.redis().password(),
                    settings.database().password(),
                    settings.webhook().secret()),
                settings.webhook().signingSecrets().stream(),
                settings.http().tokens().stream(),
                inAddress(settings.webhook().url()),
                settings.outgoing().proxy().stream().flatMap(Redactor::inAddress),
                settings.watching().url().stream()
                    .flatMap(url -> Stream.of(url.toString(), url.getRawPath())),
                settings.extras().tracing().stream().flatMap(Redactor::inAddress))
            .flatMap(secrets -> secrets);
    Stream<String> passed =
        settings.download().passedVariables().stream()
            .map(environment::get)
            .filter(value -> value != null && value.length() >= SHORTEST_PASSED);
    return new Redactor(Stream.of(own, passed, inProxies(environment)).flatMap(all -> all));
  }

  /** rclone is given them too, and what it prints may name the proxy that it could not reach. */
  private static Stream<String> inProxies(Map<String, String> environment) {
    return environment.entrySet().stream()
        .filter(variable -> PROXIES.contains(variable.getKey().toLowerCase(Locale.ROOT)))
        .map(variable -> USER_INFO.matcher(variable.getValue()))
        .filter(Matcher::find)
        .flatMap(address -> partsOf(decoded(address.group(1))));
  }

  /** What is not encoded well is taken as it stands. */
  private static String decoded(String text) {
    try {
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException malformed) {
      return text;
    }
  }

  /** User, password and query, each whole and in its parts: which of them is secret, who knows. */
  private static Stream<String> inAddress(URI url) {
    return Stream.of(url.getUserInfo(), url.getQuery())
        .filter(Objects::nonNull)
        .flatMap(Redactor::partsOf);
  }

  private static Stream<String> partsOf(String part) {
    return Stream.concat(
        Stream.of(part),
        Stream.of(part.split("[&=:]")).filter(value -> value.length() >= SHORTEST_IN_ADDRESS));
  }

  public String clean(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (!patterns.isIn(bytes)) {
      return text;
    }
    ByteArrayOutputStream clean = new ByteArrayOutputStream(bytes.length);
    Flow flow = flow(clean::write);
    flow.write(bytes, 0, bytes.length);
    flow.end();
    return clean.toString(StandardCharsets.UTF_8);
  }

  /** Takes what is left. */
  public interface Sink {
    void write(byte[] bytes, int offset, int length);
  }

  public Flow flow(Sink to) {
    return new Flow(to);
  }

  /**
   * For text that comes in pieces, from one thread: a secret may lie across two of them. What may
   * be the beginning of one is held back until more has come, and nothing else is.
   */
  public final class Flow {
    private final Sink to;
    private final Deque<int[]> covered = new ArrayDeque<>();
    private byte[] held = new byte[0];
    private int state;
    private boolean masked;

    private Flow(Sink to) {
      this.to = to;
    }

    public void write(byte[] bytes, int offset, int length) {
      byte[] work = Arrays.copyOf(held, held.length + length);
      System.arraycopy(bytes, offset, work, held.length, length);
      for (int i = held.length; i < work.length; i++) {
        state = patterns.next(state, work[i]);
        int found = patterns.found(state);
        if (found > 0) {
          cover(i + 1 - found, i + 1);
        }
      }
      give(work, work.length - patterns.depth(state));
    }

    /** Nothing comes any more. */
    public void end() {
      give(held, held.length);
      state = 0;
    }

    private void cover(int from, int end) {
      int start = from;
      while (!covered.isEmpty() && covered.getLast()[1] >= start) {
        start = Math.min(start, covered.removeLast()[0]);
      }
      covered.addLast(new int[] {start, end});
    }

    private void give(byte[] work, int upTo) {
      int at = 0;
      while (!covered.isEmpty() && covered.getFirst()[0] < upTo) {
        int[] secret = covered.removeFirst();
        plain(work, at, secret[0]);
        if (!masked) {
          to.write(MASK_BYTES, 0, MASK_BYTES.length);
          masked = true;
        }
        at = Math.min(secret[1], upTo);
        if (secret[1] > upTo) {
          covered.addFirst(new int[] {upTo, secret[1]});
          break;
        }
      }
      plain(work, at, upTo);
      held = Arrays.copyOfRange(work, upTo, work.length);
      covered.forEach(
          secret -> {
            secret[0] -= upTo;
            secret[1] -= upTo;
          });
    }

    private void plain(byte[] work, int from, int end) {
      if (end > from) {
        to.write(work, from, end - from);
        masked = false;
      }
    }
  }
}
