package routes.monitoring;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** How one secret is written where it should not be. */
final class SecretForms {
  /** Of fewer characters in base64, many words are some. */
  private static final int SHORTEST_BASE64 = 6;

  /** A longer one is looked for as it is: a table of all its forms would need 100 MiB and more. */
  private static final int LONGEST_ENCODED = 4 * 1024;

  private static final String STANDARD_WEBHOOKS = "whsec_";
  private static final Pattern ESCAPED = Pattern.compile("%[0-9A-F]{2}");

  private SecretForms() {}

  static Stream<String> of(String secret) {
    if (secret.length() > LONGEST_ENCODED) {
      return Stream.of(secret);
    }
    String bare =
        secret.startsWith(STANDARD_WEBHOOKS)
            ? secret.substring(STANDARD_WEBHOOKS.length())
            : secret;
    return Stream.of(
            Stream.of(secret, bare),
            inJson(secret),
            inAddress(secret),
            inBase64(secret.getBytes(StandardCharsets.UTF_8)))
        .flatMap(forms -> forms)
        .filter(form -> !form.isEmpty());
  }

  private static Stream<String> inJson(String secret) {
    String json = new String(JsonStringEncoder.getInstance().quoteAsString(secret));
    StringBuilder ascii = new StringBuilder();
    json.chars()
        .forEach(
            c -> {
              if (c < 0x7f) {
                ascii.append((char) c);
              } else {
                ascii.append(String.format("\\u%04x", c));
              }
            });
    return Stream.of(json, json.replace("/", "\\/"), ascii.toString());
  }

  private static Stream<String> inAddress(String secret) {
    String form = URLEncoder.encode(secret, StandardCharsets.UTF_8);
    String path = form.replace("+", "%20");
    return Stream.of(form, path, lowerCase(form), lowerCase(path));
  }

  private static String lowerCase(String encoded) {
    return ESCAPED.matcher(encoded).replaceAll(found -> found.group().toLowerCase(Locale.ROOT));
  }

  /**
   * Base64 of a longer text in which the secret begins at one of three places: of each, the
   * characters that depend on nothing but the secret.
   */
  private static Stream<String> inBase64(byte[] secret) {
    return Stream.of(0, 1, 2)
        .flatMap(
            before -> {
              byte[] longer = new byte[before + secret.length];
              System.arraycopy(secret, 0, longer, before, secret.length);
              int from = (before * 8 + 5) / 6;
              int end = longer.length * 8 / 6;
              return Stream.of(Base64.getEncoder(), Base64.getUrlEncoder())
                  .map(encoder -> encoder.encode(longer))
                  .map(text -> new String(Arrays.copyOfRange(text, from, end)));
            })
        .filter(text -> text.length() >= SHORTEST_BASE64);
  }
}
