package routes.job;

import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The jobs in this process's hands. */
public final class Flights {
  private final Map<Long, Flight> flights = new ConcurrentHashMap<>();
  private final Set<Long> reserved = ConcurrentHashMap.newKeySet();
  private final Set<Long> expected = ConcurrentHashMap.newKeySet();
  private volatile boolean stopping;

  /**
   * Before a claim: a ring may be doubled, and two threads of one process are one owner to the
   * ledger.
   *
   * @return false if the task is in this process's hands already, or about to be
   */
  public boolean reserve(long taskId) {
    return reserved.add(taskId);
  }

  /** The claim came to nothing. */
  public void release(long taskId) {
    reserved.remove(taskId);
  }

  /** Whether the task is in this process's hands, or about to be. */
  public boolean isReserved(long taskId) {
    return reserved.contains(taskId);
  }

  public void add(Flight flight) {
    flights.put(flight.taskId(), flight);
  }

  public void remove(Flight flight) {
    if (flights.remove(flight.taskId(), flight)) {
      release(flight.taskId());
    }
  }

  public Collection<Flight> all() {
    return flights.values();
  }

  /**
   * One more job with a download to do is about to be claimed.
   *
   * @param most downloads at once
   * @return false if there are so many already; if not, it counts until {@link #decided}
   */
  public synchronized boolean expectDownload(long taskId, int most) {
    return downloading() < most && expected.add(taskId);
  }

  /** The job is claimed, or is not. */
  public void decided(long taskId) {
    expected.remove(taskId);
  }

  /**
   * How many have a download to do, or in progress; those that pause between two tries have not.
   */
  public long downloading() {
    long claimed =
        flights.values().stream()
            .filter(flight -> flight.stage() == Stage.ENROLLED && !flight.isResting())
            .count();
    return claimed + expected.stream().filter(taskId -> !flights.containsKey(taskId)).count();
  }

  public boolean stopping() {
    return stopping;
  }

  /**
   * The process is stopping: stages that run may end, no new one begins, and nobody pauses for
   * another try.
   */
  public void beginStop() {
    stopping = true;
    flights.values().forEach(flight -> flight.stopIfResting());
  }

  /** Every program is ended now, every job dropped or handed back. */
  public void stopAll(Flight.Stop reason) {
    flights.values().forEach(flight -> flight.stop(reason));
  }

  /**
   * Asked between two stages.
   *
   * @throws HandedBack if the process is stopping
   * @throws JobLost if the job is no longer ours
   */
  public void mayBegin(Flight flight) {
    flight.checkStop();
    if (stopping) {
      throw new HandedBack();
    }
  }
}
