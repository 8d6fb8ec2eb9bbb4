package routes.operator;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import routes.job.Job;
import routes.ledger.Holds;
import routes.ledger.Steering;
import routes.monitoring.Event;
import routes.monitoring.Events;
import routes.queue.Bell;

/**
 * What an operator does, from whichever side: done, rung for, and told with the name of whoever did
 * it.
 */
public final class Desk {
  private final Steering steering;
  private final Holds holds;
  private final Bell bell;
  private final Events events;

  public Desk(Steering steering, Holds holds, Bell bell, Events events) {
    this.steering = steering;
    this.holds = holds;
    this.bell = bell;
    this.events = events;
  }

  /**
   * @param from as in {@link Steering#retry}
   * @throws Steering.NotPossible if it cannot be set going
   */
  public void retry(long taskId, String from, String by) {
    Steering.Going going = steering.retry(taskId, from);
    goes(taskId, going, "by " + by + (from == null ? "" : ", from " + from));
  }

  /**
   * A job that has failed here is brought again by its queue.
   *
   * @return false if it is not as the failure has left it: see {@link Steering#goOn}
   */
  public boolean goOn(Job job, String by) {
    Optional<Steering.Going> going = steering.goOn(job);
    going.ifPresent(how -> goes(job.taskId(), how, "by " + by));
    return going.isPresent();
  }

  private void goes(long taskId, Steering.Going going, String detail) {
    tell(Event.RETRY, taskId, detail);
    bell.ring(taskId, going.vip(), going.after());
  }

  /** What became of a retry of many. */
  public record Retried(List<Long> going, List<String> refused) {}

  /** Sets many going; those that cannot be are told of, and cost the others nothing. */
  public Retried retry(List<Long> taskIds, String from, String by) {
    List<Long> going = new ArrayList<>();
    List<String> refused = new ArrayList<>();
    for (long taskId : taskIds) {
      try {
        retry(taskId, from, by);
        going.add(taskId);
      } catch (Steering.NotPossible e) {
        refused.add(e.getMessage());
      }
    }
    return new Retried(going, refused);
  }

  /**
   * @throws Steering.NotPossible if it is unknown or has ended
   */
  public void cancel(long taskId, String by) {
    steering.cancel(taskId, by);
    tell(Event.CANCELLED, taskId, "by " + by);
  }

  /** For all processes; they hear of it within two seconds, and no claim passes it. */
  public void pause(String inbox, String by) {
    holds.pause(inbox);
    tell(Event.PAUSED, null, inbox + ", by " + by);
  }

  public void resume(String inbox, String by) {
    holds.resume(inbox);
    tell(Event.RESUMED, null, inbox + ", by " + by);
  }

  private void tell(Event event, Long taskId, String detail) {
    events.tell(event, taskId, null, null, null, detail);
  }
}
