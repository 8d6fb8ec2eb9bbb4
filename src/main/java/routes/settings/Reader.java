package routes.settings;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Turns texts into typed values and gathers what is wrong, so that an operator sees every fault at
 * once.
 */
final class Reader {
  private static final Pattern REFERENCE = Pattern.compile("\\{\\{([^{}]+)}}");

  /** No other key takes their values: what that one holds is shown to routes and in faults. */
  private static final Set<String> UNTOLD =
      Set.of(
          "waybill.redis.password",
          "waybill.db.password",
          "waybill.webhook.url",
          "waybill.webhook.secret",
          "waybill.webhook.signing-secret",
          "waybill.http.token",
          "waybill.alert.url",
          "waybill.webhook.proxy");

  private static final String HIDDEN = "something else (not shown: it may hold a secret)";

  private final Map<String, String> values;
  private final Set<String> asked = new TreeSet<>();
  private final Set<String> secrets = new TreeSet<>();
  private final List<Fault> faults = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  Reader(Map<String, String> values) {
    this.values = values;
  }

  String text(String key) {
    asked.add(key);
    return resolve(key, 0);
  }

  String required(String key, String what) {
    String value = text(key);
    if (value.isBlank()) {
      faults.add(new Fault(key, what, "nothing (it is required)"));
    }
    return value;
  }

  /**
   * Taken as it stands: a password may well hold two braces. Or the content of the file that {@code
   * <key>-file} names.
   */
  String secret(String key) {
    String value = rawSecret(key);
    checkLength(key, value);
    return value;
  }

  private String rawSecret(String key) {
    asked.add(key);
    secrets.add(key);
    String value = values.getOrDefault(key, "");
    String file = text(key + SecretFile.KEY);
    return file.isBlank() ? value : fromFile(key, file, value);
  }

  private void checkLength(String key, String secret) {
    if (!secret.isEmpty() && secret.length() < Settings.SHORTEST_SECRET) {
      warnings.add(
          key
              + ": expected at least "
              + Settings.SHORTEST_SECRET
              + " characters, found fewer: so short a secret is not taken out of logs");
    }
  }

  private String fromFile(String key, String file, String given) {
    String fileKey = key + SecretFile.KEY;
    if (!given.isBlank()) {
      faults.add(new Fault(fileKey, "a secret or the name of its file", "both, " + quote(file)));
      return "";
    }
    try {
      SecretFile secret = SecretFile.read(file);
      if (secret.othersMayRead()) {
        warnings.add(
            fileKey + ": expected a file that its owner alone can read, found " + quote(file));
      }
      return secret.content();
    } catch (SecretFile.Unusable e) {
      faults.add(
          new Fault(
              fileKey,
              SecretFile.EXPECTED + " (" + Sources.variable(fileKey) + ")",
              quote(file) + ": " + e.getMessage()));
      return "";
    }
  }

  String requiredSecret(String key, String what) {
    String value = secret(key);
    if (value.isBlank() && text(key + SecretFile.KEY).isBlank()) {
      faults.add(new Fault(key, what, "nothing (it is required)"));
    }
    return value;
  }

  /** A new secret and the one before it, while others still know only that; or one, or none. */
  List<String> oneOrTwoSecrets(String key) {
    List<String> found = several(rawSecret(key));
    found.forEach(secret -> checkLength(key, secret));
    if (found.size() > 2) {
      hiddenFault(key, "one secret, or a new and an old one with a comma between");
    }
    return found;
  }

  static List<String> several(String secrets) {
    return Arrays.stream(secrets.split("[,\\s]+")).filter(s -> !s.isEmpty()).toList();
  }

  /** Something that can be worked with and should be put right. */
  void warn(String sentence) {
    warnings.add(sentence);
  }

  List<String> warnings() {
    return List.copyOf(warnings);
  }

  int count(String key, int least, int most) {
    String value = text(key);
    try {
      int number = Integer.parseInt(value);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException notANumber) {
      // falls through to the fault, which shows what was found
    }
    faults.add(new Fault(key, "a whole number from " + least + " to " + most, quote(value)));
    return least;
  }

  Duration duration(String key, Duration least, Duration most) {
    String value = text(key);
    return Units.duration(value)
        .filter(found -> found.compareTo(least) >= 0 && found.compareTo(most) <= 0)
        .orElseGet(
            () -> {
              faults.add(
                  new Fault(
                      key,
                      "a duration from "
                          + Units.write(least)
                          + " to "
                          + Units.write(most)
                          + " with its unit (250ms, 20s, 5m, 2h, 7d)",
                      quote(value)));
              return least;
            });
  }

  long size(String key, long least, long most) {
    String value = text(key);
    return Units.size(value)
        .filter(found -> found >= least && found <= most)
        .orElseGet(
            () -> {
              faults.add(
                  new Fault(
                      key,
                      "a size from " + least + "B to " + most + "B with its unit (16KiB, 10GiB)",
                      quote(value)));
              return least;
            });
  }

  <E extends Enum<E>> E choice(String key, Class<E> type) {
    String value = text(key);
    for (E constant : type.getEnumConstants()) {
      if (constant.name().equalsIgnoreCase(value)) {
        return constant;
      }
    }
    faults.add(new Fault(key, "one of " + Arrays.toString(type.getEnumConstants()), quote(value)));
    return type.getEnumConstants()[0];
  }

  List<String> list(String key) {
    return split(text(key));
  }

  List<String> requiredList(String key, String what) {
    return split(required(key, what));
  }

  URI httpUrl(String key, String what) {
    String value = required(key, what);
    if (value.isBlank()) {
      return URI.create("http://localhost");
    }
    return web(value)
        .orElseGet(
            () -> {
              faults.add(new Fault(key, what, HIDDEN));
              return URI.create("http://localhost");
            });
  }

  /**
   * As {@link #httpUrl}, for an address that is called: a user in it would go along to whoever
   * reads addresses, a fragment is never sent and must be a mistake.
   */
  URI calledUrl(String key, String what) {
    URI url = httpUrl(key, what);
    if (url.getRawUserInfo() != null || url.getRawFragment() != null) {
      faults.add(new Fault(key, what + ", without user, password and fragment", HIDDEN));
    }
    return url;
  }

  static Optional<URI> web(String value) {
    try {
      URI url = new URI(value);
      boolean web =
          "http".equalsIgnoreCase(url.getScheme()) || "https".equalsIgnoreCase(url.getScheme());
      return web && url.getHost() != null ? Optional.of(url) : Optional.empty();
    } catch (URISyntaxException malformed) {
      return Optional.empty();
    }
  }

  /** Empty if none is set; what is set is never shown. */
  Optional<URI> secretUrl(String key, String what) {
    String value = secret(key);
    if (value.isBlank()) {
      return Optional.empty();
    }
    Optional<URI> url = web(value);
    if (url.isEmpty()) {
      hiddenFault(key, what);
    }
    return url;
  }

  void fault(String key, String expected) {
    faults.add(new Fault(key, expected, quote(text(key))));
  }

  /** For secrets: what was found is not shown. */
  void hiddenFault(String key, String expected) {
    faults.add(new Fault(key, expected, "something else (not shown: it is a secret)"));
  }

  Set<String> secrets() {
    return secrets;
  }

  /** Ends the reading: a {@code waybill.*} key that nobody asked for is a typing error. */
  void finish() throws BadSettings {
    for (String key : values.keySet()) {
      if (key.startsWith("waybill.") && !asked.contains(key)) {
        faults.add(new Fault(key, "a key that Waybill knows" + nearest(key), "an unknown key"));
      }
    }
    if (!faults.isEmpty()) {
      throw new BadSettings(faults.stream().distinct().toList());
    }
  }

  private String resolve(String key, int depth) {
    Matcher matcher = REFERENCE.matcher(values.getOrDefault(key, ""));
    return matcher.replaceAll(
        found -> {
          String other = found.group(1);
          if (UNTOLD.contains(other)) {
            faults.add(new Fault(key, "no secret between {{ and }}", "{{" + other + "}}"));
            return "";
          }
          if (depth > 8 || !values.containsKey(other)) {
            faults.add(new Fault(key, "a known key between {{ and }}", "{{" + other + "}}"));
            return "";
          }
          return Matcher.quoteReplacement(resolve(other, depth + 1));
        });
  }

  private String nearest(String key) {
    return asked.stream()
        .filter(known -> known.endsWith(key.substring(key.lastIndexOf('.'))))
        .findFirst()
        .map(known -> " (such as " + known + ")")
        .orElse("");
  }

  private static List<String> split(String value) {
    return Arrays.stream(value.split(",")).map(String::strip).filter(s -> !s.isEmpty()).toList();
  }

  /**
   * Where a line break is lost, or escaped, the next line is part of the value: a secret's maybe.
   */
  private static String quote(String value) {
    if (value.contains("=")) {
      return "something with = in it (not shown: it may hold a secret)";
    }
    return value.isEmpty() ? "nothing" : "'" + value + "'";
  }
}
