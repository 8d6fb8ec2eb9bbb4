package routes.queue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.UnifiedJedis;

/**
 * Payloads that cannot be a job, with the reason, for whoever looks into it: newest first, bounded.
 */
public final class RejectedList {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final UnifiedJedis redis;
  private final Clock clock;
  private final int most;
  private final UnaryOperator<String> cleaner;

  /**
   * @param cleaner takes secrets out
   */
  public RejectedList(UnifiedJedis redis, Clock clock, int most, UnaryOperator<String> cleaner) {
    this.redis = redis;
    this.clock = clock;
    this.most = most;
    this.cleaner = cleaner;
  }

  public void add(String payload, String reason) {
    Map<String, Object> entry = new LinkedHashMap<>();
    entry.put("payload", cleaner.apply(payload));
    entry.put("reason", cleaner.apply(reason));
    entry.put("at", clock.instant().toString());
    try (AbstractPipeline pipeline = redis.pipelined()) {
      pipeline.lpush(RedisKeys.REJECTED, JSON.writeValueAsString(entry));
      pipeline.ltrim(RedisKeys.REJECTED, 0, most - 1L);
      pipeline.sync();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
