package routes.bullmq;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Processor;
import org.apache.camel.Suspendable;
import org.apache.camel.spi.ExecutorServiceManager;
import org.apache.camel.support.DefaultConsumer;
import org.apache.camel.util.ObjectHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisException;

/**
 * A BullMQ worker: one thread takes jobs for all that may run at once, and waits for a word of
 * Redis while there are none; locks are renewed while their exchanges are under way; what becomes
 * of an exchange becomes of its job.
 */
public final class BullmqConsumer extends DefaultConsumer implements Suspendable {
  private static final Logger LOG = LoggerFactory.getLogger(BullmqConsumer.class);

  /** A stop waits for whoever blocks; and a client may take a longer silence for a dead line. */
  private static final Duration BLOCK = Duration.ofMillis(500);

  private static final Duration NOTHING_FREE = Duration.ofMillis(10);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

  private final BullmqEndpoint endpoint;
  private final BullQueue queue;
  private final BullQueue.Worker worker;
  private final Settlement settlement;

  /** Whoever waits for jobs; the queue itself where that needs no connection of its own. */
  private BullQueue bell;

  private UnifiedJedis listener;
  private final Map<String, BullJob> inFlight = new ConcurrentHashMap<>();
  private Semaphore slots;
  private ExecutorService threads;
  private ScheduledExecutorService clock;
  private volatile CountDownLatch stop;
  private volatile long answeredNanos = System.nanoTime();
  private volatile boolean full;
  private volatile boolean ending;
  private Future<?> taker;

  /** Held while Redis is asked for jobs that a manual route is to answer for. */
  private final Object asking = new Object();

  BullmqConsumer(BullmqEndpoint endpoint, Processor processor) {
    super(endpoint, processor);
    this.endpoint = endpoint;
    this.queue = endpoint.open();
    this.worker = endpoint.worker();
    this.settlement = new Settlement(endpoint, queue);
  }

  @Override
  protected void doStart() throws Exception {
    super.doStart();
    ExecutorServiceManager all = getEndpoint().getCamelContext().getExecutorServiceManager();
    String name = endpoint.getEndpointBaseUri();
    listener = endpoint.listener();
    bell = listener == null ? queue : endpoint.open(listener);
    ending = false;
    slots = new Semaphore(endpoint.getConcurrency());
    threads = all.newCachedThreadPool(this, name);
    clock = all.newScheduledThreadPool(this, name, 1);
    every(endpoint.getLockRenewTime(), this::renew);
    every(endpoint.getStalledInterval(), this::freeStalled);
    startTaking();
  }

  /**
   * What a manual route is at may wait for a store to come back, and gives up only when Camel, once
   * all consumers are suspended, tells it to.
   */
  @Override
  protected void doSuspend() {
    stop.countDown();
    if (endpoint.isManual()) {
      synchronized (asking) {
        LOG.debug("{} asks for nothing more", endpoint.getEndpointBaseUri());
      }
    } else {
      awaitTaker();
    }
  }

  @Override
  protected void doResume() {
    awaitTaker();
    startTaking();
  }

  @Override
  protected void doStop() throws Exception {
    if (stop != null) {
      stop.countDown();
      awaitTaker();
      // Never shutdownNow: a thread that works on a job would be interrupted in the middle of it.
      // Its lock is renewed until it has ended.
      getEndpoint().getCamelContext().getExecutorServiceManager().shutdown(threads);
      ending = true;
      endClock();
    }
    if (listener != null) {
      listener.close();
    }
    super.doStop();
  }

  /** Since its queue has last answered; zero while it may take nothing. */
  public Duration age() {
    return full ? Duration.ZERO : Duration.ofNanos(System.nanoTime() - answeredNanos);
  }

  private void startTaking() {
    answeredNanos = System.nanoTime();
    stop = new CountDownLatch(1);
    taker = threads.submit(this::takeUntilStopped);
  }

  /** Whoever is asking Redis may be given jobs, and has to give them back first. */
  private void awaitTaker() {
    try {
      taker.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      LOG.error("{} has stopped taking jobs", endpoint.getEndpointBaseUri(), e.getCause());
    }
  }

  private void endClock() {
    if (ending && inFlight.isEmpty()) {
      getEndpoint().getCamelContext().getExecutorServiceManager().shutdown(clock);
    }
  }

  private void every(Duration period, Runnable work) {
    if (!period.isZero()) {
      clock.scheduleWithFixedDelay(
          work, period.toMillis(), period.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private boolean stopped() {
    return stop.getCount() == 0;
  }

  private void pause(Duration duration) {
    try {
      stop.await(duration.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void takeUntilStopped() {
    int failures = 0;
    beListed();
    while (!stopped() && !Thread.currentThread().isInterrupted()) {
      try {
        takeOnce();
        if (failures > 0) {
          LOG.info("Redis is back: {} goes on", endpoint.getEndpointBaseUri());
          failures = 0;
        }
      } catch (JedisException e) {
        failures++;
        LOG.warn("{}: Redis cannot be reached: {}", endpoint.getEndpointBaseUri(), e.getMessage());
        pause(afterFailures(failures));
      } catch (UnknownBullVersion e) {
        LOG.error("{} takes nothing: {}", endpoint.getEndpointBaseUri(), e.getMessage());
        pause(LONGEST_PAUSE);
      } catch (RuntimeException e) {
        failures++;
        LOG.error("{} could not take a job", endpoint.getEndpointBaseUri(), e);
        pause(afterFailures(failures));
      }
    }
  }

  /** A worker that finds work from the start is one too. */
  private void beListed() {
    if (listener != null) {
      try {
        listener.ping();
      } catch (JedisException e) {
        LOG.debug("{} is listed as soon as it listens", endpoint.getEndpointBaseUri(), e);
      }
    }
  }

  private static Duration afterFailures(int failures) {
    Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.min(failures - 1, 10));
    return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
  }

  private void takeOnce() {
    int most = Math.min(endpoint.component().capacity(), endpoint.getBatch());
    int places = most <= 0 || endpoint.isManual() ? most : slots(most);
    full = places <= 0;
    if (full) {
      pause(NOTHING_FREE);
    } else if (endpoint.isManual()) {
      takeForTheRoute(places);
    } else {
      takeForSlots(places);
    }
  }

  private void takeForSlots(int places) {
    int begun = 0;
    try {
      Taken taken = queue.take(worker, places);
      answeredNanos = System.nanoTime();
      if (stopped()) {
        giveBack(taken.jobs());
      } else {
        for (BullJob job : taken.jobs()) {
          inFlight.put(job.id(), job);
          threads.execute(() -> work(job));
          begun++;
        }
      }
      if (taken.jobs().isEmpty()) {
        rest(taken);
      }
    } finally {
      slots.release(places - begun);
    }
  }

  private int slots(int most) {
    try {
      if (!slots.tryAcquire(NOTHING_FREE.toMillis(), TimeUnit.MILLISECONDS)) {
        return 0;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 0;
    }
    int places = 1;
    while (places < most && slots.tryAcquire()) {
      places++;
    }
    return places;
  }

  /** Until a job comes, one that was delayed is due, or the queue's limit is over. */
  private void rest(Taken taken) {
    if (!taken.limited().isZero()) {
      // Not by listening: what is said meanwhile would be lost.
      pause(taken.limited().compareTo(BLOCK) < 0 ? taken.limited() : BLOCK);
      return;
    }
    long now = endpoint.component().clock().millis();
    long until = now + endpoint.getDrainDelay().toMillis();
    if (taken.nextDue() > 0) {
      until = Math.min(until, taken.nextDue());
    }
    while (!stopped() && now < until) {
      if (bell.await(Duration.ofMillis(Math.min(until - now, BLOCK.toMillis())))) {
        return;
      }
      answeredNanos = System.nanoTime();
      now = endpoint.component().clock().millis();
    }
  }

  private void giveBack(List<BullJob> jobs) {
    // The first one was taken first: it goes back last, in front of the others.
    for (int i = jobs.size() - 1; i >= 0; i--) {
      queue.release(jobs.get(i), worker.token());
    }
  }

  private void takeForTheRoute(int most) {
    Taken taken;
    synchronized (asking) {
      if (stopped()) {
        return;
      }
      taken = queue.take(worker, most);
      answeredNanos = System.nanoTime();
      if (stopped()) {
        giveBack(taken.jobs());
        return;
      }
    }
    if (taken.jobs().isEmpty()) {
      rest(taken);
    } else {
      handle(taken.jobs());
    }
  }

  /** The route answers for what it has been given; if it fails, it has taken none of it. */
  private void handle(List<BullJob> jobs) {
    Exchange exchange = createExchange(false);
    exchange.getIn().setBody(jobs);
    jobs.forEach(job -> inFlight.put(job.id(), job));
    boolean failed;
    try {
      failed = process(exchange);
    } finally {
      jobs.forEach(job -> inFlight.remove(job.id()));
    }
    if (failed) {
      getExceptionHandler().handleException("Jobs go back", exchange, exchange.getException());
    }
    releaseExchange(exchange, false);
    if (failed) {
      giveBack(jobs);
      pause(FIRST_PAUSE);
    }
  }

  private void work(BullJob job) {
    try {
      if (job.deferredFailure() != null) {
        settlement.failedBefore(job, worker.token());
        return;
      }
      Exchange exchange = createExchange(false);
      fill(exchange, job);
      process(exchange);
      settlement.settle(job, worker.token(), exchange);
      releaseExchange(exchange, false);
    } catch (JedisException e) {
      LOG.warn(
          "Job {} has ended, and Redis cannot be told: it counts as stalled when its lock ends",
          job.id());
    } catch (Exception e) {
      LOG.error("Job {} has ended, and its queue could not be told", job.id(), e);
    } finally {
      inFlight.remove(job.id());
      slots.release();
    }
  }

  /** Whether the exchange has failed. */
  private boolean process(Exchange exchange) {
    try {
      getProcessor().process(exchange);
    } catch (Exception e) {
      exchange.setException(e);
    } finally {
      // A job's interrupt must not hit the next one.
      Thread.interrupted();
    }
    return exchange.isFailed();
  }

  private static void fill(Exchange exchange, BullJob job) {
    Message message = exchange.getIn();
    message.setBody(job.data());
    message.setHeader(BullmqConstants.JOB_ID, job.id());
    message.setHeader(BullmqConstants.JOB_NAME, job.name());
    message.setHeader(BullmqConstants.OPTIONS, job.options().toString());
    message.setHeader(BullmqConstants.ATTEMPTS_MADE, job.attemptsMade());
    message.setHeader(BullmqConstants.TIMESTAMP, job.timestamp());
    exchange.setProperty(BullmqConstants.JOB, job);
  }

  /** What the header says, as a duration; null if there is none. */
  static Duration delay(Message message) {
    Object delay = message.getHeader(BullmqConstants.DELAY);
    if (delay instanceof Duration duration) {
      return duration;
    }
    return ObjectHelper.isEmpty(delay)
        ? null
        : Duration.ofMillis(message.getHeader(BullmqConstants.DELAY, Long.class));
  }

  private void renew() {
    endClock();
    try {
      for (String lost : queue.extend(worker, inFlight.keySet().stream().toList())) {
        // Otherwise the route has ended it itself, and is not over.
        if (inFlight.containsKey(lost) && !endpoint.isManual()) {
          LOG.warn("The lock of job {} is lost: what becomes of it here will not count", lost);
        }
      }
    } catch (RuntimeException e) {
      LOG.warn("Locks could not be renewed: {}", e.getMessage());
    }
  }

  private void freeStalled() {
    if (ending) {
      return;
    }
    try {
      for (String id :
          queue.freeStalled(endpoint.getStalledInterval(), endpoint.getMaxStalledCount())) {
        LOG.warn("Job {} has stalled: its worker has gone silent", id);
      }
    } catch (RuntimeException e) {
      LOG.warn("Stalled jobs could not be looked for: {}", e.getMessage());
    }
  }
}
