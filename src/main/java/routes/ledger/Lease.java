package routes.ledger;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This process's right to hold jobs. It lasts for one lease from the last time the ledger confirmed
 * it, measured by a clock that goes on while the process is stopped, and not by the ledger's
 * answer, which may be old when it comes.
 */
public final class Lease {
  private static final Logger LOG = LoggerFactory.getLogger(Lease.class);

  private final Workers workers;
  private final Duration length;
  private final Runnable onLoss;
  private final AtomicReference<Worker> worker = new AtomicReference<>(Worker.born());
  private volatile long confirmedNanos;
  private volatile boolean enlisted;
  private volatile boolean lost;
  private boolean ended;
  private volatile long quietUntilNanos = System.nanoTime();

  /**
   * @param onLoss ends everything this process does for its jobs; others may have them
   */
  public Lease(Workers workers, Duration length, Runnable onLoss) {
    this.workers = workers;
    this.length = length;
    this.onLoss = onLoss;
  }

  public Worker worker() {
    return worker.get();
  }

  /**
   * Whether jobs taken under the present id are still surely this process's. Once it has said no,
   * it says no until a new life begins: jobs have been dropped on its word.
   */
  public boolean isValid() {
    if (enlisted && System.nanoTime() - confirmedNanos >= length.toNanos()) {
      lost = true;
    }
    return enlisted && !lost;
  }

  /**
   * Whether this worker may take others for dead. Not just after a life of its own has ended: what
   * silenced it, such as a database that was away, has silenced the others too, and they are about
   * to say so themselves.
   */
  public boolean mayTakeOver() {
    return isValid() && System.nanoTime() - quietUntilNanos >= 0;
  }

  /** Enters the book of workers; before that nothing may be taken. */
  public void begin() {
    long asked = System.nanoTime();
    workers.enlist(worker.get());
    confirmedNanos = asked;
    lost = false;
    enlisted = true;
  }

  /**
   * To be called a few times a lease. A worker that was silent for too long drops what it does and
   * begins a new life. One that comes late for a planned stop must not: nobody would leave the book
   * for that life.
   *
   * @throws LedgerAway if the database cannot be reached; the lease goes on running out
   */
  public synchronized void renew() {
    if (ended) {
      return;
    }
    if (!isValid()) {
      startAfresh("could not renew its lease in time");
      return;
    }
    long asked = System.nanoTime();
    if (workers.renew(worker.get()) && isValid()) {
      confirmedNanos = asked;
    } else {
      startAfresh("was taken for dead by another worker");
    }
  }

  /** Leaves the book after a planned stop. */
  public synchronized void end() {
    ended = true;
    enlisted = false;
    workers.retire(worker.get());
  }

  private void startAfresh(String why) {
    Worker old = worker.get();
    lost = true;
    onLoss.run();
    workers.abandon(old);
    enlisted = false;
    worker.set(Worker.born());
    LOG.warn("Worker {} {}: its jobs are dropped, it goes on as {}", old.id(), why, worker().id());
    quietUntilNanos = System.nanoTime() + length.toNanos() / 2;
    begin();
  }
}
