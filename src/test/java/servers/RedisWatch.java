package servers;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisMonitor;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;

/** What a Redis server is asked to do, in its own order: {@code MONITOR}. */
public final class RedisWatch implements AutoCloseable {
  private final List<String> commands = new CopyOnWriteArrayList<>();
  private final String begin = UUID.randomUUID().toString();
  private final Jedis connection;
  private volatile boolean begun;

  private RedisWatch(Jedis connection) {
    this.connection = connection;
  }

  /**
   * @param others another connection to the server
   * @param about what the commands that are kept have in them
   */
  public static RedisWatch on(RedisServer server, UnifiedJedis others, String about) {
    RedisWatch watch =
        new RedisWatch(
            new Jedis(
                new HostAndPort("127.0.0.1", server.port()),
                DefaultJedisClientConfig.builder().password(server.password()).build()));
    Thread thread = new Thread(() -> watch.follow(about), "redis-watch");
    thread.setDaemon(true);
    thread.start();
    Awaitility.await("the server is watched")
        .atMost(Shop.PATIENCE)
        .pollInterval(Duration.ofMillis(10))
        .until(
            () -> {
              others.exists(watch.begin);
              return watch.begun;
            });
    return watch;
  }

  private void follow(String about) {
    try {
      connection.monitor(
          new JedisMonitor() {
            @Override
            public void onCommand(String command) {
              if (command.contains(begin)) {
                begun = true;
              } else if (command.contains(about)) {
                commands.add(command);
              }
            }
          });
    } catch (JedisException closed) {
      // nobody watches any more
    }
  }

  /** Those seen so far, as the server writes them down. */
  public List<String> commands() {
    return List.copyOf(commands);
  }

  @Override
  public void close() {
    connection.close();
  }
}
