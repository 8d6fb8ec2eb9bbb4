package routes.queue;

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
 * Listens for tasks that are ready: {@code
 * redis-bell:waybill:ready:vip,waybill:ready?concurrentConsumers=5} gives their ids, the first
 * set's before the second's, the longest received first. A ring that gets lost is rung again by the
 * sweep.
 */
public final class RedisBellComponent extends DefaultComponent {
  private final UnifiedJedis redis;
  private final Bell bell;
  private final BooleanSupplier gate;

  public RedisBellComponent(UnifiedJedis redis, Bell bell, BooleanSupplier gate) {
    this.redis = redis;
    this.bell = bell;
    this.gate = gate;
  }

  @Override
  protected Endpoint createEndpoint(String uri, String remaining, Map<String, Object> parameters)
      throws Exception {
    RedisBellEndpoint endpoint = new RedisBellEndpoint(uri, this, remaining.split(","));
    setProperties(endpoint, parameters);
    return endpoint;
  }

  /** The sets of one {@code redis-bell:} URI. */
  public static final class RedisBellEndpoint extends DefaultEndpoint {
    private final RedisBellComponent component;
    private final String[] sets;
    private int concurrentConsumers = 1;

    RedisBellEndpoint(String uri, RedisBellComponent component, String[] sets) {
      super(uri, component);
      this.component = component;
      this.sets = sets;
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
    private final RedisBellEndpoint endpoint;

    BellConsumer(RedisBellEndpoint endpoint, Processor processor) {
      super(endpoint, processor, endpoint.concurrentConsumers, endpoint.component.gate);
      this.endpoint = endpoint;
    }

    @Override
    KeyValue<String, Tuple> take(int thread) {
      return endpoint.component.redis.bzpopmin(Redis.BLOCK_SECONDS, endpoint.sets);
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
      Tuple rung = ring.getValue();
      endpoint.component.bell.ringAgain(ring.getKey(), rung.getElement(), rung.getScore());
    }
  }
}
