package routes.bullmq;

import java.time.Duration;
import java.util.UUID;
import org.apache.camel.Consumer;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.support.DefaultEndpoint;
import redis.clients.jedis.UnifiedJedis;

/**
 * One queue, and how it is worked. The options have the names, meanings and defaults of BullMQ's
 * worker; durations are written with their unit ({@code 30s}) or as milliseconds.
 */
public final class BullmqEndpoint extends DefaultEndpoint {
  private final BullmqComponent component;
  private final String queue;
  private String prefix = "bull";
  private int concurrency = 1;
  private Duration lockDuration = Duration.ofSeconds(30);
  private Duration lockRenewTime;
  private Duration stalledInterval = Duration.ofSeconds(30);
  private int maxStalledCount = 1;
  private Duration drainDelay = Duration.ofSeconds(5);
  private int limiterMax;
  private Duration limiterDuration = Duration.ofSeconds(1);
  private Duration keepCompleted;
  private int keepCompletedCount = -1;
  private Duration keepFailed;
  private int keepFailedCount = -1;
  private int metrics;
  private String name = "";
  private String token = UUID.randomUUID().toString();
  private boolean manual;
  private int batch = 32;
  private String jobName = "job";

  BullmqEndpoint(String uri, BullmqComponent component, String queue) {
    super(uri, component);
    this.component = component;
    this.queue = queue;
  }

  BullmqComponent component() {
    return component;
  }

  BullQueue open() {
    return open(component.redis());
  }

  /**
   * @param redis that is asked about it
   */
  BullQueue open(UnifiedJedis redis) {
    return new BullQueue(redis, prefix, queue, component.clock());
  }

  /** For whoever waits for its jobs; null where it has no connection of its own. */
  UnifiedJedis listener() {
    return component.listener(new BullKeys(prefix, queue).connection(name));
  }

  BullQueue.Worker worker() {
    return new BullQueue.Worker(token, lockDuration, name, limiterMax, limiterDuration);
  }

  Keep completedKept() {
    return new Keep(keepCompletedCount, keepCompleted);
  }

  Keep failedKept() {
    return new Keep(keepFailedCount, keepFailed);
  }

  @Override
  public Producer createProducer() {
    return new BullmqProducer(this);
  }

  @Override
  public Consumer createConsumer(Processor processor) throws Exception {
    BullmqConsumer consumer = new BullmqConsumer(this, processor);
    configureConsumer(consumer);
    return consumer;
  }

  public String getPrefix() {
    return prefix;
  }

  /** What all keys begin with; holds a hash tag on a Redis Cluster. */
  public void setPrefix(String prefix) {
    this.prefix = prefix;
  }

  public int getConcurrency() {
    return concurrency;
  }

  /** Jobs worked at once. */
  public void setConcurrency(int concurrency) {
    this.concurrency = concurrency;
  }

  public Duration getLockDuration() {
    return lockDuration;
  }

  /** For how long a job is this worker's without a renewal. */
  public void setLockDuration(Duration duration) {
    this.lockDuration = duration;
  }

  public Duration getLockRenewTime() {
    return lockRenewTime == null ? lockDuration.dividedBy(2) : lockRenewTime;
  }

  /** Half of the lock's duration unless it is set. */
  public void setLockRenewTime(Duration time) {
    this.lockRenewTime = time;
  }

  public Duration getStalledInterval() {
    return stalledInterval;
  }

  /** Time between two looks for jobs whose worker has gone silent; 0 for no looks. */
  public void setStalledInterval(Duration interval) {
    this.stalledInterval = interval;
  }

  public int getMaxStalledCount() {
    return maxStalledCount;
  }

  /** A job that has stalled more often fails. */
  public void setMaxStalledCount(int count) {
    this.maxStalledCount = count;
  }

  public Duration getDrainDelay() {
    return drainDelay;
  }

  /** How long an idle worker waits for a word of Redis before it looks by itself. */
  public void setDrainDelay(Duration delay) {
    this.drainDelay = delay;
  }

  public int getLimiterMax() {
    return limiterMax;
  }

  /** Jobs of all workers that start in a {@code limiterDuration}; 0 for no limit. */
  public void setLimiterMax(int max) {
    this.limiterMax = max;
  }

  public Duration getLimiterDuration() {
    return limiterDuration;
  }

  public void setLimiterDuration(Duration duration) {
    this.limiterDuration = duration;
  }

  public Duration getKeepCompleted() {
    return keepCompleted;
  }

  /** {@code removeOnComplete.age}; for ever unless it is set. */
  public void setKeepCompleted(Duration age) {
    this.keepCompleted = age;
  }

  public int getKeepCompletedCount() {
    return keepCompletedCount;
  }

  /** {@code removeOnComplete.count}; -1 for all. */
  public void setKeepCompletedCount(int count) {
    this.keepCompletedCount = count;
  }

  public Duration getKeepFailed() {
    return keepFailed;
  }

  /** {@code removeOnFail.age}; for ever unless it is set. */
  public void setKeepFailed(Duration age) {
    this.keepFailed = age;
  }

  public int getKeepFailedCount() {
    return keepFailedCount;
  }

  /** {@code removeOnFail.count}; -1 for all. */
  public void setKeepFailedCount(int count) {
    this.keepFailedCount = count;
  }

  public int getMetrics() {
    return metrics;
  }

  /** {@code metrics.maxDataPoints}: minutes for which the queue's numbers are kept; 0 for none. */
  public void setMetrics(int minutes) {
    this.metrics = minutes;
  }

  public String getName() {
    return name;
  }

  /** Shown as {@code processedBy}, and by {@code getWorkers()}. */
  public void setName(String name) {
    this.name = name;
  }

  /** Of the locks; a random one unless several processes answer for the same jobs. */
  public void setToken(String token) {
    this.token = token;
  }

  public boolean isManual() {
    return manual;
  }

  /**
   * Whether the route answers for its jobs itself, by {@link BullQueue}: the exchange carries up to
   * {@code batch} of them as a list, and its end says nothing: from then on nobody renews their
   * locks here. If it fails, they go back.
   */
  public void setManual(boolean manual) {
    this.manual = manual;
  }

  public int getBatch() {
    return batch;
  }

  /** Jobs taken at once at most. */
  public void setBatch(int most) {
    this.batch = most;
  }

  public String getJobName() {
    return jobName;
  }

  /** Name of the jobs that the producer adds, unless a header says another one. */
  public void setJobName(String name) {
    this.jobName = name;
  }
}
