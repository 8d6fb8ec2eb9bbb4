package routes.queue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.args.ListDirection;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Moves a message from an inbox to the worker's claimed list, and out of that once the route is
 * done with it.
 */
final class RedisListConsumer extends BlockingConsumer<RedisListConsumer.Taken> {
  private static final Logger LOG = LoggerFactory.getLogger(RedisListConsumer.class);

  private final UnifiedJedis redis;
  private final Supplier<String> worker;
  private final List<String> lists;
  private final int maxBytes;

  /** One message and where it is kept meanwhile. */
  record Taken(String inbox, byte[] claimed, byte[] payload) {}

  RedisListConsumer(
      Endpoint endpoint,
      Processor processor,
      int threads,
      BooleanSupplier gate,
      UnifiedJedis redis,
      Supplier<String> worker,
      List<String> lists,
      int maxBytes) {
    super(endpoint, processor, threads, gate);
    this.redis = redis;
    this.worker = worker;
    this.lists = lists;
    this.maxBytes = maxBytes;
  }

  /** Asks the lists in their order; when all are empty, each thread blocks on one of them. */
  @Override
  Taken take(int thread) {
    for (String inbox : lists) {
      byte[] claimed = claimed(inbox);
      byte[] payload = redis.lmove(bytes(inbox), claimed, ListDirection.RIGHT, ListDirection.LEFT);
      if (payload != null) {
        return new Taken(inbox, claimed, payload);
      }
    }
    String home = lists.get(thread % lists.size());
    byte[] claimed = claimed(home);
    byte[] payload =
        redis.blmove(
            bytes(home), claimed, ListDirection.RIGHT, ListDirection.LEFT, Redis.BLOCK_SECONDS);
    return payload == null ? null : new Taken(home, claimed, payload);
  }

  @Override
  void fill(Exchange exchange, Taken taken) {
    InHand.add(taken.claimed(), taken.payload());
    byte[] payload = taken.payload();
    exchange
        .getIn()
        .setBody(payload.length > maxBytes ? Arrays.copyOf(payload, maxBytes + 1) : payload);
    exchange.setProperty(routes.ExchangeProperties.INBOX, taken.inbox());
  }

  @Override
  void accepted(Taken taken) {
    try {
      redis.lrem(taken.claimed(), 1, taken.payload());
    } catch (JedisException e) {
      // It stays in the claimed list, comes back to the inbox and counts as a duplicate then.
      LOG.warn("Redis cannot be reached: a message that is in the ledger stays claimed for now");
    }
  }

  @Override
  void refused(Taken taken) {
    try {
      giveBack(redis, taken.inbox(), taken.claimed(), taken.payload());
    } catch (JedisException e) {
      LOG.warn("Redis cannot be reached: a message stays claimed until it is back");
    }
  }

  @Override
  void letGo(Taken taken) {
    InHand.remove(taken.claimed(), taken.payload());
  }

  /**
   * First into the inbox, then out of the claimed list: between the two it is in both, never in
   * none.
   */
  static void giveBack(UnifiedJedis redis, String inbox, byte[] claimed, byte[] payload) {
    redis.rpush(bytes(inbox), payload);
    redis.lrem(claimed, 1, payload);
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private byte[] claimed(String inbox) {
    return bytes(RedisKeys.claimed(inbox, worker.get()));
  }
}
