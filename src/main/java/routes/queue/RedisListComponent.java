package routes.queue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.apache.camel.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.support.DefaultComponent;
import org.apache.camel.support.DefaultEndpoint;
import redis.clients.jedis.UnifiedJedis;

/**
 * Consumes Redis lists reliably, which camel-spring-redis cannot: {@code
 * redis-list:first,second?concurrentConsumers=2} takes from the right with {@code BLMOVE}, the
 * first list before the second, and keeps each message in a claimed list until the route has
 * finished with it.
 */
public final class RedisListComponent extends DefaultComponent {
  private final UnifiedJedis redis;
  private final Supplier<String> worker;
  private final BooleanSupplier gate;
  private final int maxBytes;

  /**
   * @param worker id of the present worker: part of the claimed list's name
   * @param gate asked before every message
   * @param maxBytes what is longer reaches the route cut to one byte more
   */
  public RedisListComponent(
      UnifiedJedis redis, Supplier<String> worker, BooleanSupplier gate, int maxBytes) {
    this.redis = redis;
    this.worker = worker;
    this.gate = gate;
    this.maxBytes = maxBytes;
  }

  @Override
  protected Endpoint createEndpoint(String uri, String remaining, Map<String, Object> parameters)
      throws Exception {
    RedisListEndpoint endpoint =
        new RedisListEndpoint(uri, this, Arrays.asList(remaining.split(",")));
    setProperties(endpoint, parameters);
    return endpoint;
  }

  /** The lists of one {@code redis-list:} URI. */
  public static final class RedisListEndpoint extends DefaultEndpoint {
    private final RedisListComponent component;
    private final List<String> lists;
    private int concurrentConsumers = 2;

    RedisListEndpoint(String uri, RedisListComponent component, List<String> lists) {
      super(uri, component);
      this.component = component;
      this.lists = lists;
    }

    /** At least one for each list, since a blocked consumer watches one list. */
    public void setConcurrentConsumers(int number) {
      concurrentConsumers = number;
    }

    public int getConcurrentConsumers() {
      return concurrentConsumers;
    }

    @Override
    public Producer createProducer() {
      throw new UnsupportedOperationException(
          "redis-list: only consumes; use spring-redis: to push");
    }

    @Override
    public Consumer createConsumer(Processor processor) throws Exception {
      RedisListConsumer consumer =
          new RedisListConsumer(
              this,
              processor,
              Math.max(concurrentConsumers, lists.size()),
              component.gate,
              component.redis,
              component.worker,
              lists,
              component.maxBytes);
      configureConsumer(consumer);
      return consumer;
    }
  }
}
