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

  /** Whether jobs taken under the present id are still surely this process's. */
  public boolean isValid() {
    return enlisted && System.nanoTime() - confirmedNanos < length.toNanos();
  }

  /** Enters the book of workers; before that nothing may be taken. */
  public void begin() {
    long asked = System.nanoTime();
    workers.enlist(worker.get());
    confirmedNanos = asked;
    enlisted = true;
  }

  /**
   * To be called a few times a lease. A worker that was silent for too long drops what it does and
   * begins a new life.
   *
   * @throws LedgerAway if the database cannot be reached; the lease goes on running out
   */
  public void renew() {
    if (!isValid()) {
      startAfresh("could not renew its lease in time");
      return;
    }
    long asked = System.nanoTime();
    if (workers.renew(worker.get())) {
      confirmedNanos = asked;
    } else {
      startAfresh("was taken for dead by another worker");
    }
  }

  /** Leaves the book after a planned stop. */
  public void end() {
    enlisted = false;
    workers.retire(worker.get());
  }

  private void startAfresh(String why) {
    enlisted = false;
    Worker old = worker.get();
    onLoss.run();
    worker.set(Worker.born());
    LOG.warn("Worker {} {}: its jobs are dropped, it goes on as {}", old.id(), why, worker().id());
    begin();
  }
}
