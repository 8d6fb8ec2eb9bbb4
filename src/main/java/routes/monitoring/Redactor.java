package routes.monitoring;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Takes secrets out of whatever is about to be shown. */
public final class Redactor {
  /** Put where a secret stood. */
  public static final String MASK = "***";

  /** A shorter secret is no secret, and taking it out would make every text unreadable. */
  private static final int SHORTEST = 4;

  private final List<String> secrets;

  public Redactor(Stream<String> secrets) {
    this.secrets =
        secrets
            .filter(secret -> secret != null && secret.length() >= SHORTEST)
            .distinct()
            // The longest first, so that a secret that is part of another leaves no rest of it.
            .sorted(Comparator.comparingInt(String::length).reversed())
            .toList();
  }

  public String clean(String text) {
    String clean = text;
    for (String secret : secrets) {
      clean = clean.replace(secret, MASK);
    }
    return clean;
  }
}
