package routes.bullmq;

import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import servers.RedisServer;

/** What the tests of this package have in common. */
final class Peers {
  private Peers() {}

  static RedisClient connect(RedisServer redis) {
    return connect(redis, null);
  }

  /**
   * @param name of its connections; may be null
   */
  static RedisClient connect(RedisServer redis, String name) {
    return RedisClient.builder()
        .hostAndPort(new HostAndPort("127.0.0.1", redis.port()))
        .clientConfig(
            DefaultJedisClientConfig.builder().password(redis.password()).clientName(name).build())
        .build();
  }
}
