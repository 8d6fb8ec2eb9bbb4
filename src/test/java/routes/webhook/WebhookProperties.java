package routes.webhook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import fuzz.Hostile;
import fuzz.Property;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;

/** What must hold of the receiver's answers and of what is signed for it. */
public final class WebhookProperties {
  private static final Instant NOW = Instant.parse("2026-11-23T10:00:00Z");
  private static final Duration LONGEST = Duration.ofMinutes(10);
  private static final WebhookAnswer ANSWER =
      new WebhookAnswer(Clock.fixed(NOW, ZoneOffset.UTC), LONGEST);

  private WebhookProperties() {}

  public static List<Property> all() {
    return List.of(
        new Property("retry-after-well-formed", WebhookProperties::wellFormed),
        new Property("retry-after-hostile", WebhookProperties::hostile),
        new Property("signature-tells-apart", WebhookProperties::signature));
  }

  private static void wellFormed(Hostile input) {
    long seconds = input.below(2) == 0 ? input.below(2000) : input.below(100_000_000);
    String header =
        input.chance(50)
            ? " ".repeat(input.below(3)) + seconds
            : DateTimeFormatter.RFC_1123_DATE_TIME.format(
                NOW.plusSeconds(seconds).atOffset(ZoneOffset.UTC));

    assertEquals(
        Duration.ofSeconds(Math.min(seconds, LONGEST.toSeconds())), ANSWER.retryAfter(header));
  }

  /** Whatever it says, the pause is within its bounds, or there is none. */
  private static void hostile(Hostile input) {
    String header =
        input.mutated(
            input.of(
                "Mon, 23 Nov 2026 10:01:30 GMT",
                "Tue, 1 Jan 9999 00:00:00 +1800",
                "Thu, 01 Jan 1970 00:00:00 -1800",
                String.valueOf(input.number()),
                input.text()));

    Duration pause = ANSWER.retryAfter(header);

    assertTrue(
        pause == null || (!pause.isNegative() && pause.compareTo(LONGEST) <= 0),
        String.valueOf(pause));
  }

  /** Two deliveries that differ in anything are signed differently. */
  private static void signature(Hostile input) {
    String secret = input.word(20);
    String id = input.word(10);
    byte[] body = input.bytes(50);
    String one = Signature.standard(secret, id, "1", body);
    byte[] changed = java.util.Arrays.copyOf(body, body.length + 1);
    changed[body.length] = (byte) input.below(256);

    assertEquals(one, Signature.standard(secret, id, "1", body));
    assertNotEquals(one, Signature.standard(secret, id, "1", changed));
    assertNotEquals(one, Signature.standard(secret, id, "2", body));
    assertNotEquals(one, Signature.standard(secret + "x", id, "1", body));
    assertTrue(one.matches("v1,[A-Za-z0-9+/]{43}="), one);
    String folder = input.fileName();
    assertTrue(Signature.simple(secret, 7, folder, "1").matches("[0-9a-f]{64}"));
    assertNotEquals(
        Signature.simple(secret, 7, folder, "1"), Signature.simple(secret, 7, folder + "x", "1"));
  }
}
