package routes.queue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.UnifiedJedis;

/**
 * Events on their way to the Redis channel, many in one round trip. In memory on purpose: an event
 * is news, and what must not be lost is in the ledger. When Redis is away for long, news is dropped
 * and jobs go on.
 */
public final class News {
  private static final int MOST = 10_000;

  private final BlockingQueue<String> waiting = new ArrayBlockingQueue<>(MOST);
  private final UnifiedJedis redis;

  public News(UnifiedJedis redis) {
    this.redis = redis;
  }

  /** Neither blocks nor throws. */
  public void add(String event) {
    waiting.offer(event);
  }

  /**
   * @throws redis.clients.jedis.exceptions.JedisException if Redis is away; what was being sent is
   *     dropped
   */
  public void publish() {
    if (waiting.isEmpty()) {
      return;
    }
    List<String> events = new ArrayList<>();
    waiting.drainTo(events);
    try (AbstractPipeline pipeline = redis.pipelined()) {
      events.forEach(event -> pipeline.publish(RedisKeys.EVENTS, event));
      pipeline.sync();
    }
  }
}
