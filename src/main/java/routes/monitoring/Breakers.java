package routes.monitoring;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.job.Flight;
import routes.ledger.Holds;
import routes.settings.Flow;

/**
 * Circuit breakers of the stages that talk to the outside. So many failed tries in a row, of more
 * than one job, open it: the stage is held back for all processes, its jobs wait in the ledger, and
 * after a while one of them tries. That costs it no try, or an outage would bury jobs; but not for
 * ever, or jobs that are hopeless themselves would keep their stage closed to each other's end.
 *
 * <p>Not Camel's circuit breaker: that one lives in one process, and what it refuses has failed;
 * here the state is everybody's, and what is refused must wait without a slot and without losing a
 * try.
 */
public final class Breakers implements BreakersMBean {
  /** Routes of the stages that talk to the outside. */
  public static final List<String> STAGES = List.of("download", "upload", "post-webhook");

  private static final Logger LOG = LoggerFactory.getLogger(Breakers.class);

  private final Flow.Breaker settings;
  private final Holds holds;
  private final Map<String, Row> rows = new ConcurrentHashMap<>();

  /** Failures since the last success. */
  private static final class Row {
    private int failures;
    private final Set<Long> tasks = new HashSet<>();
  }

  public Breakers(Flow.Breaker settings, Holds holds) {
    this.settings = settings;
    this.holds = holds;
  }

  @Override
  public Map<String, Integer> getFailuresInARow() {
    Map<String, Integer> all = new TreeMap<>();
    rows.forEach(
        (stage, row) -> {
          synchronized (row) {
            all.put(stage, row.failures);
          }
        });
    return all;
  }

  @Override
  public int getThreshold() {
    return settings.failures();
  }

  /**
   * Asked before a stage begins.
   *
   * @return false if the job has to wait
   */
  public boolean mayBegin(Flight flight, String stage) {
    if (!holds.isHeld(stage)) {
      return true;
    }
    holds.refresh();
    Optional<Holds.Hold> hold = holds.find(stage);
    if (hold.isEmpty()) {
      return true;
    }
    if (hold.get().over() && !hold.get().trial()) {
      holds.release(stage);
      return true;
    }
    if (!hold.get().over() || !holds.mayProbe(stage, settings.pause())) {
      return false;
    }
    LOG.info("Task {} tries whether {} works again", flight.taskId(), stage);
    flight.probe(hold.get().seconds() >= settings.maxWait().toSeconds());
    return true;
  }

  public void succeeded(Flight flight, String stage) {
    rows.remove(stage);
    if (flight.probing()) {
      flight.probeIsOver();
      holds.release(stage);
      LOG.info("{} works again: it is held back no longer", stage);
    }
  }

  /**
   * Ends what holds nobody back any more: the next trouble is another one, and has its own time.
   */
  public void endUnneeded() {
    STAGES.forEach(holds::releaseUnneeded);
  }

  /** A try has failed for a reason that may pass. */
  public void failed(Flight flight, String stage, String reason) {
    Row row = rows.computeIfAbsent(stage, name -> new Row());
    boolean open;
    synchronized (row) {
      row.failures++;
      row.tasks.add(flight.taskId());
      open = row.failures >= settings.failures() && row.tasks.size() > 1;
    }
    if (open && !holds.isHeld(stage)) {
      holds.hold(stage, settings.pause(), row.failures + " failures in a row: " + reason, true);
      LOG.warn(
          "{} is held back for {}: {} failures in a row, the last: {}",
          stage,
          settings.pause(),
          row.failures,
          reason);
    }
  }
}
