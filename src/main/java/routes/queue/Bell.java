package routes.queue;

import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.params.ZAddParams;
import routes.job.Stage;
import routes.ledger.Ledger;

/**
 * Tells all workers that a task is ready. Losing a ring costs time, never a job: the sweep rings
 * for it.
 */
public final class Bell {
  private static final Logger LOG = LoggerFactory.getLogger(Bell.class);

  private static final ZAddParams ONLY_NEW = ZAddParams.zAddParams().nx();

  private final UnifiedJedis redis;
  private final Clock clock;
  private final AtomicLong last = new AtomicLong();

  public Bell(UnifiedJedis redis, Clock clock) {
    this.redis = redis;
    this.clock = clock;
  }

  /** A task that has just become ready, behind all that were before it. */
  public Ledger.Unrung now(long taskId, boolean vip) {
    return now(taskId, vip, false);
  }

  private Ledger.Unrung now(long taskId, boolean vip, boolean downloaded) {
    return new Ledger.Unrung(taskId, vip, downloaded, nowMicros());
  }

  /** A task has just become ready. */
  public void ring(long taskId, boolean vip) {
    ring(taskId, vip, Stage.ENROLLED);
  }

  /**
   * A task has just become ready again.
   *
   * @param after the stage it goes on after
   */
  public void ring(long taskId, boolean vip, Stage after) {
    ring(List.of(now(taskId, vip, after.isAtLeast(Stage.DOWNLOADED))));
  }

  /** Tasks that are ready, in one round trip; one that is still rung keeps its place. */
  public void ring(List<Ledger.Unrung> tasks) {
    if (tasks.size() < 2) {
      tasks.forEach(task -> ringAgain(set(task), id(task), task.micros()));
      return;
    }
    try (AbstractPipeline pipeline = redis.pipelined()) {
      tasks.forEach(task -> pipeline.zadd(set(task), task.micros(), id(task), ONLY_NEW));
      pipeline.sync();
    } catch (JedisException e) {
      LOG.debug("{} rings are lost; the sweep rings again", tasks.size(), e);
    }
  }

  private static String set(Ledger.Unrung task) {
    return RedisKeys.ready(task.vip(), task.downloaded());
  }

  private static String id(Ledger.Unrung task) {
    return String.valueOf(task.taskId());
  }

  void ringAgain(String set, String taskId, double place) {
    try {
      redis.zadd(set, place, taskId, ONLY_NEW);
    } catch (JedisException e) {
      LOG.debug("A ring for task {} is lost; the sweep rings again", taskId, e);
    }
  }

  /**
   * Microseconds since the epoch, never the same twice: two tasks of one moment keep their order.
   */
  private long nowMicros() {
    Instant now = clock.instant();
    long micros = now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
    return last.updateAndGet(before -> Math.max(before + 1, micros));
  }
}
