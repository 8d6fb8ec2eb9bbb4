package routes.queue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Clock;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import org.apache.camel.support.LRUCacheFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.SetParams;
import routes.job.Manifest;
import routes.settings.Flow;

/**
 * What has been delivered of each course lately: in this process, and in Redis for all of them. It
 * says where to look, not what is there: whoever uses it compares the remote first. Without Redis a
 * course is fetched once more.
 */
public final class Deliveries {
  private static final Logger LOG = LoggerFactory.getLogger(Deliveries.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * @param until milliseconds since the epoch
   */
  public record Delivery(String folder, String manifest, long until) {
    public Manifest contents() {
      return Manifest.fromJson(manifest);
    }
  }

  private final UnifiedJedis redis;
  private final Flow.Cache settings;
  private final Clock clock;
  private final Map<String, Delivery> near;
  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();

  public Deliveries(UnifiedJedis redis, Flow.Cache settings, Clock clock) {
    this.redis = redis;
    this.settings = settings;
    this.clock = clock;
    this.near = LRUCacheFactory.newLRUCache(settings.entries());
  }

  public boolean enabled() {
    return settings.enabled();
  }

  /** What was found has been given to a buyer, or nothing was found that could be. */
  public void count(boolean hit) {
    (hit ? hits : misses).increment();
  }

  public long hits() {
    return hits.sum();
  }

  public long misses() {
    return misses.sum();
  }

  public Optional<Delivery> find(String courseKey) {
    Delivery delivery = near.get(courseKey);
    if (delivery == null) {
      delivery = far(courseKey);
    }
    if (delivery == null || clock.instant().toEpochMilli() >= delivery.until()) {
      return Optional.empty();
    }
    near.put(courseKey, delivery);
    return Optional.of(delivery);
  }

  private Delivery far(String courseKey) {
    try {
      String json = redis.get(RedisKeys.delivered(courseKey));
      return json == null ? null : JSON.readValue(json, Delivery.class);
    } catch (JedisException | JsonProcessingException e) {
      LOG.warn("A delivery of this course could not be looked up: {}", e.getMessage());
      return null;
    }
  }

  public void remember(String courseKey, String folder, Manifest manifest) {
    Instant until = clock.instant().plus(settings.ttl());
    Delivery delivery = new Delivery(folder, manifest.toJson(), until.toEpochMilli());
    near.put(courseKey, delivery);
    try {
      redis.set(
          RedisKeys.delivered(courseKey),
          JSON.writeValueAsString(delivery),
          SetParams.setParams().px(settings.ttl().toMillis()));
    } catch (JedisException | JsonProcessingException e) {
      LOG.warn("A delivery could not be remembered for the other workers: {}", e.getMessage());
    }
  }

  /** It is not at the remote any more, or not as it was. */
  public void forget(String courseKey) {
    near.remove(courseKey);
    try {
      redis.del(RedisKeys.delivered(courseKey));
    } catch (JedisException e) {
      LOG.warn("A delivery could not be forgotten: {}", e.getMessage());
    }
  }
}
