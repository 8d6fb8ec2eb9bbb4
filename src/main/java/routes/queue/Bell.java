package routes.queue;

import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.ZAddParams;
import routes.ledger.Ledger;

/**
 * Tells all workers that a task is ready. Losing a ring costs time, never a job: the sweep rings
 * for it.
 */
public final class Bell {
  private static final Logger LOG = LoggerFactory.getLogger(Bell.class);

  private final UnifiedJedis redis;
  private final Clock clock;
  private final AtomicLong last = new AtomicLong();

  public Bell(UnifiedJedis redis, Clock clock) {
    this.redis = redis;
    this.clock = clock;
  }

  /** A task has just become ready. */
  public void ring(long taskId, boolean vip) {
    ringAgain(RedisKeys.ready(vip), String.valueOf(taskId), now());
  }

  /** Tasks that the ledger says are ready; one that is still rung keeps its place. */
  public void ring(List<Ledger.Unrung> tasks) {
    for (Ledger.Unrung task : tasks) {
      ringAgain(RedisKeys.ready(task.vip()), String.valueOf(task.taskId()), task.micros());
    }
  }

  void ringAgain(String set, String taskId, double place) {
    try {
      redis.zadd(set, place, taskId, ZAddParams.zAddParams().nx());
    } catch (JedisException e) {
      LOG.debug("A ring for task {} is lost; the sweep rings again", taskId, e);
    }
  }

  /**
   * Microseconds since the epoch, never the same twice: two tasks of one moment keep their order.
   */
  private long now() {
    Instant now = clock.instant();
    long micros = now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
    return last.updateAndGet(before -> Math.max(before + 1, micros));
  }
}
