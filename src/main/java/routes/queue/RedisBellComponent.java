package routes.queue;

import java.time.Duration;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.camel.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.support.DefaultComponent;
import org.apache.camel.support.DefaultEndpoint;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.resps.Tuple;
import redis.clients.jedis.util.KeyValue;

/**
 * Listens for tasks that are ready: {@code redis-bell:ready?concurrentConsumers=5} gives their ids,
 * those who go first before the others, and of each the longest received first. A ring that gets
 * lost is rung again by the sweep.
 */
public final class RedisBellComponent extends DefaultComponent {
  private final UnifiedJedis redis;
  private final Bell bell;
  private final BooleanSupplier gate;
  private final StartRate rate;
  private final Order order;
  private final Downloads downloads;

  /** Which sets a thread listens to, the one that goes first first; none while all are paused. */
  public interface Order {
    /**
     * @param thread from 0
     */
    String[] sets(int thread);
  }

  /** How many downloads this process may begin. */
  public interface Downloads {
    /** Whether one more may; it counts as begun until the claim has decided. */
    boolean expect(long taskId);

    /** The task is not claimed here after all. */
    void dropped(long taskId);
  }

  /**
   * @param gate asked before every ring
   * @param rate asked before a ring is heard
   */
  public RedisBellComponent(
      UnifiedJedis redis,
      Bell bell,
      BooleanSupplier gate,
      StartRate rate,
      Order order,
      Downloads downloads) {
    this.redis = redis;
    this.bell = bell;
    this.gate = gate;
    this.rate = rate;
    this.order = order;
    this.downloads = downloads;
  }

  @Override
  protected Endpoint createEndpoint(String uri, String remaining, Map<String, Object> parameters)
      throws Exception {
    RedisBellEndpoint endpoint = new RedisBellEndpoint(uri, this);
    setProperties(endpoint, parameters);
    return endpoint;
  }

  /** One {@code redis-bell:} URI. */
  public static final class RedisBellEndpoint extends DefaultEndpoint {
    private final RedisBellComponent component;
    private int concurrentConsumers = 1;

    RedisBellEndpoint(String uri, RedisBellComponent component) {
      super(uri, component);
      this.component = component;
    }

    /** Each is a slot: as many jobs run at once. */
    public void setConcurrentConsumers(int number) {
      concurrentConsumers = number;
    }

    public int getConcurrentConsumers() {
      return concurrentConsumers;
    }

    @Override
    public Producer createProducer() {
      throw new UnsupportedOperationException("redis-bell: only listens; Bell rings");
    }

    @Override
    public Consumer createConsumer(Processor processor) throws Exception {
      BellConsumer consumer = new BellConsumer(this, processor);
      configureConsumer(consumer);
      return consumer;
    }
  }

  private static final class BellConsumer extends BlockingConsumer<KeyValue<String, Tuple>> {
    /** As long as a paused queue, or a used-up rate, may keep a stop waiting. */
    private static final Duration NOTHING_TO_HEAR = Duration.ofMillis(250);

    private final RedisBellEndpoint endpoint;

    BellConsumer(RedisBellEndpoint endpoint, Processor processor) {
      super(endpoint, processor, endpoint.concurrentConsumers, endpoint.component.gate);
      this.endpoint = endpoint;
    }

    @Override
    KeyValue<String, Tuple> take(int thread) {
      RedisBellComponent component = endpoint.component;
      String[] sets = component.order.sets(thread);
      if (sets.length == 0) {
        pause(NOTHING_TO_HEAR);
        return null;
      }
      KeyValue<String, Tuple> ring = component.redis.bzpopmin(Redis.BLOCK_SECONDS, sets);
      if (ring == null) {
        return null;
      }
      if (RedisKeys.haveDownload(ring.getKey()) && !component.downloads.expect(taskId(ring))) {
        // Somebody else has taken the last place in this moment.
        ringAgain(ring);
        return null;
      }
      try {
        return atItsRate(ring);
      } catch (RuntimeException e) {
        refused(ring);
        throw e;
      }
    }

    private KeyValue<String, Tuple> atItsRate(KeyValue<String, Tuple> ring) {
      Duration wait = endpoint.component.rate.acquire(ring.getValue().getElement());
      if (wait.isZero()) {
        return ring;
      }
      refused(ring);
      pause(wait.compareTo(NOTHING_TO_HEAR) < 0 ? wait : NOTHING_TO_HEAR);
      return null;
    }

    private static long taskId(KeyValue<String, Tuple> ring) {
      return Long.parseLong(ring.getValue().getElement());
    }

    @Override
    void fill(Exchange exchange, KeyValue<String, Tuple> ring) {
      exchange.getIn().setBody(ring.getValue().getElement());
    }

    @Override
    void accepted(KeyValue<String, Tuple> ring) {
      // The claim has decided; nothing is left of the ring.
    }

    @Override
    void refused(KeyValue<String, Tuple> ring) {
      endpoint.component.downloads.dropped(taskId(ring));
      ringAgain(ring);
    }

    private void ringAgain(KeyValue<String, Tuple> ring) {
      Tuple rung = ring.getValue();
      endpoint.component.bell.ringAgain(ring.getKey(), rung.getElement(), rung.getScore());
    }
  }
}
