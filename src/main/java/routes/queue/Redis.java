package routes.queue;

import org.apache.commons.pool2.impl.GenericObjectPoolConfig;
import org.springframework.data.redis.connection.RedisStandaloneConfiguration;
import org.springframework.data.redis.connection.jedis.JedisClientConfiguration;
import org.springframework.data.redis.connection.jedis.JedisConnectionFactory;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import routes.settings.Settings;

/** The two clients of one Redis: ours for blocking commands, Spring's for camel-spring-redis. */
public final class Redis {
  /**
   * How long a consumer blocks for the next message, in seconds: what a stop may have to wait for.
   */
  static final double BLOCK_SECONDS = 0.5;

  private static final int SPARE_CONNECTIONS = 5;

  private Redis() {}

  public static RedisClient client(Settings settings) {
    return client(settings, "waybill", connections(settings, settings.workers()));
  }

  /** One connection for whoever waits on a BullMQ queue, under the name that BullMQ looks for. */
  public static RedisClient listener(Settings settings, String name) {
    return client(settings, name, 1);
  }

  private static RedisClient client(Settings settings, String name, int connections) {
    Settings.Redis redis = settings.redis();
    int timeout = (int) redis.timeout().toMillis();
    GenericObjectPoolConfig<Connection> pool = new GenericObjectPoolConfig<>();
    pool.setMaxTotal(connections);
    pool.setMaxIdle(pool.getMaxTotal());
    pool.setJmxEnabled(false);
    return RedisClient.builder()
        .hostAndPort(new HostAndPort(redis.host(), redis.port()))
        .clientConfig(
            DefaultJedisClientConfig.builder()
                .connectionTimeoutMillis(timeout)
                .socketTimeoutMillis(timeout)
                // Redis answers a blocking command after BLOCK_SECONDS at the latest: a longer
                // silence is a dead line.
                .blockingSocketTimeoutMillis((int) (BLOCK_SECONDS * 1000) + timeout)
                .user(redis.username().isEmpty() ? null : redis.username())
                .password(redis.password().isEmpty() ? null : redis.password())
                .database(redis.database())
                .clientName(name)
                .build())
        .poolConfig(pool)
        .build();
  }

  /** The number of slots has changed. */
  public static void size(RedisClient client, Settings settings, int workers) {
    client.getPool().setMaxTotal(connections(settings, workers));
    client.getPool().setMaxIdle(connections(settings, workers));
  }

  /**
   * A blocked consumer keeps its connection: with fewer than one each, a consumer would wait for
   * another.
   */
  private static int connections(Settings settings, int workers) {
    // Who takes from a BullMQ queue, renews its locks and tells it.
    int bullmq = settings.bullmq().enabled() ? 3 : 0;
    return 2 * workers + settings.queue().intakeConsumers() + bullmq + SPARE_CONNECTIONS;
  }

  /** Pooled connections for camel-spring-redis; to be destroyed by the caller. */
  public static JedisConnectionFactory connections(Settings settings) {
    Settings.Redis redis = settings.redis();
    RedisStandaloneConfiguration server =
        new RedisStandaloneConfiguration(redis.host(), redis.port());
    server.setDatabase(redis.database());
    if (!redis.username().isEmpty()) {
      server.setUsername(redis.username());
    }
    if (!redis.password().isEmpty()) {
      server.setPassword(redis.password());
    }
    GenericObjectPoolConfig<?> pool = new GenericObjectPoolConfig<>();
    pool.setMaxTotal(SPARE_CONNECTIONS + 3);
    pool.setJmxEnabled(false);
    JedisConnectionFactory factory =
        new JedisConnectionFactory(
            server,
            JedisClientConfiguration.builder()
                .connectTimeout(redis.timeout())
                .readTimeout(redis.timeout())
                .clientName("waybill-events")
                .usePooling()
                .poolConfig(pool)
                .build());
    factory.afterPropertiesSet();
    factory.start();
    return factory;
  }
}
