package routes.monitoring;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.exceptions.JedisException;
import routes.ledger.Reach;

/**
 * Says that a timer's work failed, once and then every ten seconds, so that an outage does not fill
 * the log.
 */
public final class TickFailures {
  private static final Logger LOG = LoggerFactory.getLogger(TickFailures.class);
  private static final Duration SILENCE = Duration.ofSeconds(10);

  private final Clock clock;
  private final Map<String, Instant> told = new ConcurrentHashMap<>();

  public TickFailures(Clock clock) {
    this.clock = clock;
  }

  public void tell(String route, Exception failure) {
    Instant now = clock.instant();
    Instant last = told.get(route);
    if (last != null && now.isBefore(last.plus(SILENCE))) {
      return;
    }
    told.put(route, now);
    if (Reach.isAway(failure)) {
      LOG.warn("{}: the database cannot be reached; it is tried again at the next tick", route);
    } else if (failure instanceof JedisException
        || failure instanceof org.springframework.data.redis.RedisConnectionFailureException) {
      LOG.warn("{}: Redis cannot be reached; it is tried again at the next tick", route);
    } else {
      LOG.error("{} failed; it is tried again at the next tick", route, failure);
    }
  }
}
