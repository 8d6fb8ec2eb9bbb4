package routes.queue;

import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import redis.clients.jedis.UnifiedJedis;
import routes.settings.Flow;

/**
 * At most so many jobs started within any interval, by all processes together: a sorted set of the
 * starts within the last interval, looked at and added to in one script, by Redis' own clock.
 */
public final class StartRate {
  /**
   * In: key, most, interval in microseconds, task id. Out: 0, or microseconds until the next may
   * start.
   */
  private static final String ACQUIRE =
      """
      local time = redis.call('TIME')
      local now = time[1] * 1000000 + time[2]
      redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
      if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[1]) then
        redis.call('ZADD', KEYS[1], now, ARGV[3] .. ':' .. string.format('%.0f', now))
        redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[2] / 1000))
        return 0
      end
      return redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] + ARGV[2] - now""";

  private final UnifiedJedis redis;
  private final Supplier<Flow.Rate> rate;

  /**
   * @param rate as of now
   */
  public StartRate(UnifiedJedis redis, Supplier<Flow.Rate> rate) {
    this.redis = redis;
    this.rate = rate;
  }

  /**
   * @return zero if the job may start, and has been counted; else how long to wait
   */
  public Duration acquire(String taskId) {
    Flow.Rate now = rate.get();
    if (!now.isLimited()) {
      return Duration.ZERO;
    }
    Object micros =
        redis.eval(
            ACQUIRE,
            List.of(RedisKeys.STARTS),
            List.of(
                String.valueOf(now.max()),
                String.valueOf(now.interval().toNanos() / 1000),
                taskId));
    return Duration.ofNanos(1000 * Math.max(0, ((Number) micros).longValue()));
  }
}
