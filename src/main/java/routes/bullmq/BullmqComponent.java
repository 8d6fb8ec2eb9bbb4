package routes.bullmq;

import java.time.Clock;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntSupplier;
import org.apache.camel.Endpoint;
import org.apache.camel.support.DefaultComponent;
import redis.clients.jedis.UnifiedJedis;

/**
 * Works the queues of BullMQ: {@code bullmq:downloads?concurrency=5} takes jobs as a BullMQ worker
 * does, beside others in any language, and {@code to("bullmq:downloads")} adds them. See
 * docs/bullmq.md.
 */
public final class BullmqComponent extends DefaultComponent {
  private final UnifiedJedis redis;
  private final Clock clock;
  private IntSupplier capacity = () -> Integer.MAX_VALUE;
  private Function<String, UnifiedJedis> listeners;
  private String token;
  private BackoffRule ownBackoff = BackoffRule.unknownType();

  /**
   * @param redis with a connection to spare for every consumer: an idle one blocks for half a
   *     second at a time
   */
  public BullmqComponent(UnifiedJedis redis, Clock clock) {
    this.redis = redis;
    this.clock = clock;
  }

  /** Asked before every look at a queue: how many jobs may be taken now; 0 for none. */
  public void setCapacity(IntSupplier capacity) {
    this.capacity = capacity;
  }

  /**
   * Opens a client for whoever waits for jobs: one connection, with the name that it is given, by
   * which BullMQ's {@code getWorkers()} lists this worker. The consumer closes it. Without one it
   * waits on a connection of all, and is not listed.
   */
  public void setListeners(Function<String, UnifiedJedis> listeners) {
    this.listeners = listeners;
  }

  /** Of the locks of all endpoints; each has a random one of its own unless it is set. */
  public void setToken(String token) {
    this.token = token;
  }

  /** For jobs whose {@code backoff.type} is neither fixed nor exponential. */
  public void setBackoff(BackoffRule rule) {
    this.ownBackoff = rule;
  }

  UnifiedJedis redis() {
    return redis;
  }

  /** Null where whoever waits has no connection of its own. */
  UnifiedJedis listener(String name) {
    return listeners == null ? null : listeners.apply(name);
  }

  Clock clock() {
    return clock;
  }

  int capacity() {
    return capacity.getAsInt();
  }

  BackoffRule backoff() {
    return BackoffRule.standard(ownBackoff);
  }

  @Override
  protected Endpoint createEndpoint(String uri, String remaining, Map<String, Object> parameters)
      throws Exception {
    BullmqEndpoint endpoint = new BullmqEndpoint(uri, this, remaining);
    if (token != null) {
      endpoint.setToken(token);
    }
    setProperties(endpoint, parameters);
    return endpoint;
  }
}
