package routes.settings;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations and sizes as people write them: a whole number and its unit. */
final class Units {
  private static final Pattern QUANTITY = Pattern.compile("(\\d{1,12})\\s*([A-Za-z]{1,3})");
  private static final Map<String, Long> MILLIS =
      Map.of("ms", 1L, "s", 1_000L, "m", 60_000L, "h", 3_600_000L, "d", 86_400_000L);
  private static final Map<String, Long> BYTES =
      Map.of("B", 1L, "KiB", 1L << 10, "MiB", 1L << 20, "GiB", 1L << 30, "TiB", 1L << 40);

  private Units() {}

  static Optional<Duration> duration(String text) {
    return quantity(text, MILLIS).map(Duration::ofMillis);
  }

  /** Size in bytes. */
  static Optional<Long> size(String text) {
    return quantity(text, BYTES);
  }

  static String write(Duration duration) {
    long millis = duration.toMillis();
    for (String unit : new String[] {"d", "h", "m", "s"}) {
      if (millis != 0 && millis % MILLIS.get(unit) == 0) {
        return millis / MILLIS.get(unit) + unit;
      }
    }
    return millis == 0 ? "0s" : millis + "ms";
  }

  private static Optional<Long> quantity(String text, Map<String, Long> units) {
    Matcher matcher = QUANTITY.matcher(text);
    if (!matcher.matches() || !units.containsKey(matcher.group(2))) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          Math.multiplyExact(Long.parseLong(matcher.group(1)), units.get(matcher.group(2))));
    } catch (ArithmeticException tooLarge) {
      return Optional.empty();
    }
  }
}
