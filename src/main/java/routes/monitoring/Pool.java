package routes.monitoring;

import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import org.apache.hc.core5.pool.ConnPoolControl;
import org.apache.hc.core5.pool.PoolStats;
import redis.clients.jedis.RedisClient;

/** Connections of one kind, as they are now. */
record Pool(int active, int idle, int max, int waiting) {
  static Pool of(HikariDataSource database) {
    HikariPoolMXBean pool = database.isClosed() ? null : database.getHikariPoolMXBean();
    return pool == null
        ? new Pool(0, 0, 0, 0)
        : new Pool(
            pool.getActiveConnections(),
            pool.getIdleConnections(),
            database.getMaximumPoolSize(),
            pool.getThreadsAwaitingConnection());
  }

  static Pool of(RedisClient redis) {
    var pool = redis.getPool();
    return new Pool(
        pool.getNumActive(), pool.getNumIdle(), pool.getMaxTotal(), pool.getNumWaiters());
  }

  static Pool of(ConnPoolControl<?> http) {
    PoolStats all = http.getTotalStats();
    return new Pool(all.getLeased(), all.getAvailable(), all.getMax(), all.getPending());
  }
}
