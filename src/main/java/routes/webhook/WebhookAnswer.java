package routes.webhook;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import routes.job.Permanent;
import routes.job.Transient;

/**
 * Decides what the receiver's answer means: done, try again, or never. Source: CONTRACT.md, section
 * 5.
 */
public final class WebhookAnswer implements Processor {
  /** Request Timeout, Too Early, Too Many Requests: the client errors that may pass. */
  private static final Set<Integer> PASSING = Set.of(408, 425, 429);

  private final Clock clock;
  private final Duration longestPause;

  public WebhookAnswer(Clock clock, Duration longestPause) {
    this.clock = clock;
    this.longestPause = longestPause;
  }

  /**
   * @throws Transient to be tried again, after the time the receiver asked for
   * @throws Permanent never to be tried again
   */
  @Override
  public void process(Exchange exchange) throws Transient, Permanent {
    int status = exchange.getMessage().getHeader(Exchange.HTTP_RESPONSE_CODE, 0, Integer.class);
    if (status >= 200 && status < 300) {
      return;
    }
    String reason = "The webhook answered " + status;
    if (PASSING.contains(status) || status >= 500) {
      String after = exchange.getMessage().getHeader("Retry-After", String.class);
      throw new Transient(reason, null, retryAfter(after));
    }
    throw new Permanent(
        status >= 300 && status < 400 ? reason + ": redirects are not followed" : reason);
  }

  /** Seconds or an HTTP date; null if it says neither. Source: RFC 9110, section 10.2.3. */
  Duration retryAfter(String header) {
    if (header == null) {
      return null;
    }
    if (header.strip().matches("\\d{10,}")) {
      return longestPause;
    }
    Duration asked;
    try {
      asked =
          header.strip().matches("\\d{1,9}")
              ? Duration.ofSeconds(Long.parseLong(header.strip()))
              : Duration.between(
                  clock.instant(),
                  ZonedDateTime.parse(header.strip(), DateTimeFormatter.RFC_1123_DATE_TIME)
                      .toInstant());
    } catch (DateTimeException unreadable) {
      return null;
    }
    if (asked.isNegative()) {
      return Duration.ZERO;
    }
    return asked.compareTo(longestPause) > 0 ? longestPause : asked;
  }
}
