package routes.monitoring;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;
import routes.bullmq.BullQueue;
import routes.bullmq.Depth;
import routes.ledger.Census;
import routes.ledger.Holds;
import routes.ledger.LedgerAway;
import routes.queue.RedisKeys;
import routes.settings.Settings;

/**
 * What this worker knows of itself and of what it depends on, as of its last look. Readiness,
 * gauges and alerts read it, so that none of them asks a store that may not answer.
 */
public final class Watch {
  private static final Logger LOG = LoggerFactory.getLogger(Watch.class);

  /** A store that has not answered for so many looks is away. */
  private static final int LOOKS = 3;

  private static final Duration SHORTEST_AWAY = Duration.ofSeconds(2);

  private final Settings settings;
  private final Check check;
  private final Census census;
  private final Holds holds;
  private final UnifiedJedis redis;
  private final BullQueue bullmqQueue;
  private final Map<String, Long> inboxes = new LinkedHashMap<>();
  private volatile Census.Count count = Census.Count.NONE;
  private volatile long databaseNanos;
  private volatile long redisNanos;
  private volatile boolean databaseSeen;
  private volatile boolean redisSeen;
  private volatile boolean fresh;
  private volatile Map<String, Long> lengths = Map.of();
  private volatile Depth bullmq = new Depth(Map.of(), false, null);
  private volatile Map<String, Supplier<Duration>> fetching = Map.of();
  private volatile String missingDownloader = "not looked for yet";
  private volatile String missingRemote = "not looked for yet";

  public Watch(
      Settings settings,
      Map<String, String> environment,
      Census census,
      Holds holds,
      UnifiedJedis redis,
      BullQueue bullmqQueue) {
    this.settings = settings;
    this.check = new Check(settings, environment);
    this.census = census;
    this.holds = holds;
    this.redis = redis;
    this.bullmqQueue = bullmqQueue;
  }

  /**
   * @param ages since a route has asked its queue, as soon as it runs
   */
  public void fetching(Map<String, Supplier<Duration>> ages) {
    fetching = Map.copyOf(ages);
  }

  /**
   * Looks at both stores, whether or not the first one answers.
   *
   * @throws LedgerAway if the database does not answer
   * @throws JedisException if Redis does not
   */
  public void look() {
    fresh = false;
    try {
      lookAtRedis();
    } finally {
      holds.refresh();
      count = census.take();
      databaseNanos = System.nanoTime();
      databaseSeen = true;
      fresh = true;
    }
  }

  private void lookAtRedis() {
    for (String inbox : RedisKeys.inboxes(settings.queue())) {
      inboxes.put(inbox, redis.llen(inbox));
    }
    if (settings.bullmq().enabled()) {
      bullmq = bullmqQueue.look();
      inboxes.put(settings.bullmq().queue(), bullmq.waiting());
    }
    lengths = Map.copyOf(inboxes);
    redisNanos = System.nanoTime();
    redisSeen = true;
  }

  /**
   * Looks for the two programs and the remote. The remote is asked until it has answered once: what
   * happens to it later, the uploads tell.
   */
  public void lookForPrograms(BooleanSupplier stop) {
    try {
      check.downloader();
      missingDownloader = null;
    } catch (IOException e) {
      missingDownloader = e.getMessage();
    }
    if (missingRemote == null) {
      return;
    }
    try {
      check.remote(stop);
      missingRemote = null;
    } catch (IOException e) {
      missingRemote = e.getMessage();
      if (!stop.getAsBoolean()) {
        LOG.warn("The remote does not answer: {}", missingRemote);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  public Census.Count count() {
    return count;
  }

  /** By the name of the queue; empty before the first look. */
  public Map<String, Long> inboxLengths() {
    return lengths;
  }

  /** The BullMQ queue; without a job before the first look, and where there is none. */
  public Depth bullmq() {
    return bullmq;
  }

  /** Whether the last look saw the database; if not, what is counted is older. */
  boolean isFresh() {
    return fresh;
  }

  /** What is paused or held back. A pause that is over ends with the next job that comes by. */
  public List<Holds.Hold> holds() {
    return holds.all().stream().filter(hold -> !hold.over() || hold.trial()).toList();
  }

  public boolean databaseAnswers() {
    return databaseSeen && lately(databaseNanos);
  }

  public boolean redisAnswers() {
    return redisSeen && lately(redisNanos);
  }

  private boolean lately(long nanos) {
    Duration away = settings.watching().period().multipliedBy(LOOKS);
    Duration longest = away.compareTo(SHORTEST_AWAY) < 0 ? SHORTEST_AWAY : away;
    return System.nanoTime() - nanos < longest.toNanos();
  }

  /** What is wrong with it; empty if it was found. */
  public Optional<String> missingDownloader() {
    return Optional.ofNullable(missingDownloader);
  }

  /** What is wrong with it; empty if it has answered. */
  public Optional<String> missingRemote() {
    return Optional.ofNullable(missingRemote);
  }

  /** Since each fetching route has asked its queue, in seconds; 0 while all its slots are busy. */
  public Map<String, Double> fetchAges() {
    Map<String, Double> ages = new LinkedHashMap<>();
    fetching.forEach((route, age) -> ages.put(route, age.get().toMillis() / 1000.0));
    return ages;
  }

  /** Bytes for sandboxes; as many as there can be where the disk cannot be asked. */
  public long diskFree() {
    try {
      Path staging = Files.createDirectories(settings.download().staging());
      return Files.getFileStore(staging).getUsableSpace();
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
  }
}
