package routes.queue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.args.ListDirection;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Moves messages from an inbox to the worker's claimed list, and out of that once the route is done
 * with them.
 */
final class RedisListConsumer extends BlockingConsumer<RedisListConsumer.Taken> {
  private static final Logger LOG = LoggerFactory.getLogger(RedisListConsumer.class);

  private final UnifiedJedis redis;
  private final Supplier<String> worker;
  private final List<String> lists;
  private final int maxBytes;

  /** As many as one round trip brings; more would wait behind each other. */
  private static final int MOST = 32;

  /** In: inbox, claimed list, most. Out: what was moved, in order. */
  private static final byte[] TAKE =
      bytes(
          """
          local taken = {}
          for i = 1, tonumber(ARGV[1]) do
            local payload = redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT')
            if not payload then break end
            taken[i] = payload
          end
          return taken""");

  /** Messages of one inbox, and where they are kept meanwhile. */
  record Taken(String inbox, byte[] claimed, List<byte[]> payloads) {}

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
      @SuppressWarnings("unchecked")
      List<byte[]> payloads =
          (List<byte[]>)
              redis.eval(
                  TAKE, List.of(bytes(inbox), claimed), List.of(bytes(String.valueOf(MOST))));
      if (!payloads.isEmpty()) {
        return new Taken(inbox, claimed, payloads);
      }
    }
    String home = lists.get(thread % lists.size());
    byte[] claimed = claimed(home);
    byte[] payload =
        redis.blmove(
            bytes(home), claimed, ListDirection.RIGHT, ListDirection.LEFT, Redis.BLOCK_SECONDS);
    return payload == null ? null : new Taken(home, claimed, List.of(payload));
  }

  @Override
  void fill(Exchange exchange, Taken taken) {
    List<byte[]> readable = new ArrayList<>();
    for (byte[] payload : taken.payloads()) {
      InHand.add(taken.claimed(), payload);
      readable.add(payload.length > maxBytes ? Arrays.copyOf(payload, maxBytes + 1) : payload);
    }
    exchange.getIn().setBody(readable);
    exchange.setProperty(routes.ExchangeProperties.INBOX, taken.inbox());
  }

  @Override
  void accepted(Taken taken) {
    try (AbstractPipeline pipeline = redis.pipelined()) {
      taken.payloads().forEach(payload -> pipeline.lrem(taken.claimed(), 1, payload));
      pipeline.sync();
    } catch (JedisException e) {
      // They stay in the claimed list, come back to the inbox and count as duplicates then.
      LOG.warn("Redis cannot be reached: what is in the ledger stays claimed for now");
    }
  }

  @Override
  void refused(Taken taken) {
    try {
      // The first one was taken first: it goes back last, to the end where it came from.
      for (int i = taken.payloads().size() - 1; i >= 0; i--) {
        giveBack(redis, taken.inbox(), taken.claimed(), taken.payloads().get(i));
      }
    } catch (JedisException e) {
      LOG.warn("Redis cannot be reached: what was taken stays claimed until it is back");
    }
  }

  @Override
  void letGo(Taken taken) {
    taken.payloads().forEach(payload -> InHand.remove(taken.claimed(), payload));
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
