package routes.webhook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

class WebhookAnswerTest {
  private final Clock clock = Clock.fixed(Instant.parse("2026-11-23T10:00:00Z"), ZoneOffset.UTC);
  private final WebhookAnswer answer = new WebhookAnswer(clock, Duration.ofMinutes(10));

  @Test
  void should_read_seconds_and_dates_and_bound_them() {
    assertEquals(Duration.ofSeconds(7), answer.retryAfter(" 7 "));
    assertEquals(Duration.ofSeconds(90), answer.retryAfter("Mon, 23 Nov 2026 10:01:30 GMT"));
    assertEquals(Duration.ZERO, answer.retryAfter("Mon, 23 Nov 2026 09:00:00 GMT"));
    assertEquals(Duration.ofMinutes(10), answer.retryAfter("86400"));
    assertEquals(Duration.ofMinutes(10), answer.retryAfter("999999999"));
    assertEquals(Duration.ofMinutes(10), answer.retryAfter("9".repeat(5000)));
    assertEquals(Duration.ofMinutes(10), answer.retryAfter("Fri, 31 Dec 9999 23:59:59 GMT"));
    assertEquals(Duration.ofMinutes(10), answer.retryAfter("Fri, 31 Dec 99999 23:59:59 GMT"));
    assertNull(answer.retryAfter("1e9"));
    assertNull(answer.retryAfter("[1, 2]"));
    assertNull(answer.retryAfter("soon"));
    assertNull(answer.retryAfter("-1"));
    assertNull(answer.retryAfter(null));
  }
}
