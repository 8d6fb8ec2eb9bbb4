package routes.queue;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Phaser;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.Suspendable;
import org.apache.camel.support.DefaultConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.exceptions.JedisException;

/**
 * N threads that block for the next message, hand it to the route and then acknowledge it. A Redis
 * that is away is waited for with growing pauses; the jobs that run are not touched by that.
 *
 * <p>Suspendable, so that Camel suspends it first and stops it when the jobs in hand are through:
 * stopping a consumer stops its route's processors under them.
 *
 * @param <T> what is taken
 */
abstract class BlockingConsumer<T> extends DefaultConsumer implements Suspendable, Fetching {
  private static final Logger LOG = LoggerFactory.getLogger(BlockingConsumer.class);
  private static final java.time.Duration CLOSED_GATE = java.time.Duration.ofMillis(100);

  private volatile int threads;
  private final BooleanSupplier gate;
  private final Phaser taking = new Phaser(1);

  /** Threads that have a message in hand, whichever shift they are of. */
  private final AtomicInteger working = new AtomicInteger();

  private volatile Shift shift;
  private volatile long askedNanos = System.nanoTime();

  /**
   * @param gate asked before every message; while it says no, none is taken
   */
  BlockingConsumer(Endpoint endpoint, Processor processor, int threads, BooleanSupplier gate) {
    super(endpoint, processor);
    this.threads = threads;
    this.gate = gate;
  }

  /**
   * Takes the next message, or null after a while.
   *
   * @param thread number of the calling thread, from 0
   */
  abstract T take(int thread);

  /** Puts what was taken where the route looks for it. */
  abstract void fill(Exchange exchange, T message);

  /** The route has finished without an error. */
  abstract void accepted(T message);

  /**
   * The route has failed, or the consumer stopped before it began: somebody has to take it again.
   */
  abstract void refused(T message);

  /** Whatever became of the message, nobody works on it any more. */
  void letGo(T message) {}

  @Override
  protected void doStart() throws Exception {
    super.doStart();
    startTaking();
  }

  @Override
  protected void doSuspend() {
    stopTaking();
  }

  @Override
  protected void doResume() throws Exception {
    startTaking();
  }

  @Override
  protected void doStop() throws Exception {
    stopTaking();
    super.doStop();
  }

  private void startTaking() {
    synchronized (taking) {
      askedNanos = System.nanoTime();
      shift = new Shift();
      shift.fillSeats();
    }
  }

  @Override
  public void resize(int number) {
    synchronized (taking) {
      threads = number;
      if (running()) {
        shift.fillSeats();
      }
    }
  }

  private void stopTaking() {
    if (shift == null) {
      // Its route was never started.
      return;
    }
    shift.end();
    // Who still asks Redis may be given a message, and must give it back while all is still there.
    taking.arriveAndAwaitAdvance();
  }

  /** From a start or resume to the next stop or suspension: its threads, and what they do. */
  private final class Shift {
    private final ExecutorService executor =
        getEndpoint()
            .getCamelContext()
            .getExecutorServiceManager()
            .newCachedThreadPool(BlockingConsumer.this, getEndpoint().getEndpointBaseUri());
    private final Backoff backoff = new Backoff();
    private final Set<Integer> seats = new HashSet<>();

    private void fillSeats() {
      for (int i = 0; i < threads; i++) {
        int thread = i;
        if (seats.add(i)) {
          executor.execute(() -> run(thread, this));
        }
      }
    }

    /** Whether there still are so many threads; the seat is free for another one if not. */
    private boolean keepsSeat(int thread) {
      synchronized (taking) {
        return thread < threads || !seats.remove(thread);
      }
    }

    private boolean goesOn() {
      return running() && !executor.isShutdown();
    }

    private void end() {
      backoff.stop();
      // Never shutdownNow: a thread that runs a job would be interrupted in the middle of it.
      getEndpoint().getCamelContext().getExecutorServiceManager().shutdown(executor);
    }
  }

  /** For a consumer that may not take anything just now; a stop cuts it short. */
  final void pause(java.time.Duration duration) {
    shift.backoff.pause(duration);
  }

  @Override
  public java.time.Duration age() {
    return isFull()
        ? java.time.Duration.ZERO
        : java.time.Duration.ofNanos(System.nanoTime() - askedNanos);
  }

  private boolean running() {
    return isRunAllowed() && !isSuspendingOrSuspended() && !isStoppingOrStopped();
  }

  /**
   * Ends with the shift it was started in: after a resume there is another one, with threads of its
   * own.
   */
  private void run(int thread, Shift own) {
    Backoff pauses = own.backoff;
    int failures = 0;
    while (own.goesOn() && own.keepsSeat(thread)) {
      if (!gate.getAsBoolean() || isFull()) {
        pauses.pause(CLOSED_GATE);
        continue;
      }
      try {
        T message = takeOrRefuse(thread);
        askedNanos = System.nanoTime();
        if (failures > 0) {
          LOG.info("Redis is back: {} goes on", getEndpoint().getEndpointBaseUri());
          failures = 0;
        }
        if (message != null && !handle(message)) {
          // Whatever is wrong with it, it must not come round at full speed.
          pauses.pause(Backoff.after(1));
        }
      } catch (JedisException e) {
        failures++;
        if (running()) {
          LOG.warn(
              "Redis cannot be reached ({}): {} tries again in {} ms",
              e.getMessage(),
              getEndpoint().getEndpointBaseUri(),
              Backoff.after(failures).toMillis());
        }
        pauses.pause(Backoff.after(failures));
      } catch (RuntimeException e) {
        failures++;
        LOG.error("{} could not take a message", getEndpoint().getEndpointBaseUri(), e);
        pauses.pause(Backoff.after(failures));
      }
    }
  }

  /** Threads that have lost their seat, or belong to an earlier shift, may still be at work. */
  private boolean isFull() {
    return working.get() >= threads;
  }

  /** Asked with a message in the hand: two threads may have seen the same last place. */
  private boolean hasPlace() {
    if (working.incrementAndGet() <= threads) {
      return true;
    }
    working.decrementAndGet();
    return false;
  }

  private T takeOrRefuse(int thread) {
    taking.register();
    try {
      T message = running() ? take(thread) : null;
      if (message != null
          && !(running() && gate.getAsBoolean() && thread < threads && hasPlace())) {
        refused(message);
        return null;
      }
      return message;
    } finally {
      taking.arriveAndDeregister();
    }
  }

  /** Whether the route has finished with the message. */
  private boolean handle(T message) {
    Exchange exchange = createExchange(false);
    boolean failed = true;
    try {
      fill(exchange, message);
      getProcessor().process(exchange);
      failed = exchange.isFailed();
    } catch (Exception e) {
      exchange.setException(e);
    } finally {
      // A job's interrupt must not hit the next one.
      Thread.interrupted();
      Exception failure = exchange.getException();
      if (failed && failure != null && !(failure instanceof routes.job.HandedBack)) {
        getExceptionHandler().handleException("A message goes back", exchange, failure);
      }
      releaseExchange(exchange, false);
    }
    try {
      if (failed) {
        refused(message);
      } else {
        accepted(message);
      }
    } finally {
      letGo(message);
      askedNanos = System.nanoTime();
      working.decrementAndGet();
    }
    return !failed;
  }
}
