package routes;

import static routes.RouteNames.TAKE_BULLMQ;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import org.apache.camel.Exchange;
import routes.bullmq.BullJob;
import routes.job.HandedBack;
import routes.job.Job;
import routes.job.Payload;
import routes.job.Rejected;
import routes.ledger.BullBook;
import routes.ledger.Entered;
import routes.ledger.Ledger;
import routes.monitoring.Event;
import routes.queue.BullLocks;
import routes.settings.Bullmq;

/**
 * Enters the jobs of a BullMQ queue in the ledger, by the rules of every payload; one that comes
 * back goes on where it stopped.
 */
final class BullIntake {
  private static final ObjectMapper STRICT = Payload.strictMapper();

  /** States of a task of which the ledger has the last word, and not the queue. */
  private static final Set<String> ANSWERED_FOR = Set.of("waiting", "ready", "running", "done");

  private final Parts parts;
  private final Payload payloads;

  BullIntake(Parts parts) {
    this.parts = parts;
    this.payloads = new Payload(parts.settings().queue().allowedHosts());
  }

  /** The body is a list of {@link BullJob}. Can be done twice without harm. */
  @SuppressWarnings("unchecked")
  void enter(Exchange exchange) {
    List<BullJob> taken = exchange.getMessage().getBody(List.class);
    if (exchange.getMessage().getHeader(Exchange.REDELIVERED, false, boolean.class)) {
      // The ledger was away for a while.
      boolean entered = exchange.getProperty(ExchangeProperties.ENTERED, false, boolean.class);
      if (!entered && !parts.lease().isValid()) {
        // Perhaps for this process alone.
        throw new HandedBack();
      }
      taken = parts.bullmqLocks().stillOurs(taken);
    }
    List<BullJob> asked = new ArrayList<>();
    List<Job> jobs = new ArrayList<>();
    for (BullJob job : taken) {
      try {
        Job read = read(job);
        refuseFailedBefore(job, read.taskId());
        jobs.add(read);
        asked.add(job);
      } catch (Rejected e) {
        reject(job, e);
      }
    }
    // A job in the ledger that the book does not know would be delivered without a lock.
    List<Entered> all =
        parts
            .admission()
            .enter(
                jobs,
                entered -> {
                  take(asked, entered, i -> isUnderWay(entered.get(i)));
                  // The answer to the commit may be lost.
                  exchange.setProperty(ExchangeProperties.ENTERED, true);
                });
    List<Ledger.Unrung> ready = new ArrayList<>();
    BitSet answeredFor = new BitSet();
    for (int i = 0; i < all.size(); i++) {
      answeredFor.set(i, entered(asked.get(i), all.get(i), ready));
    }
    // Before the bell: whoever ends a job at once has to find whom to tell.
    take(asked, all, i -> answeredFor.get(i) && !isUnderWay(all.get(i)));
    parts.bell().ring(ready);
    // Those that wait, and those about a task that has come before.
    all.stream()
        .filter(entered -> entered.outcome() != Entered.Outcome.READY)
        .forEach(entered -> parts.bullmq().changed(entered.job().taskId()));
  }

  private static boolean isUnderWay(Entered entered) {
    return switch (entered.outcome()) {
      case READY, WAITING, DUPLICATE -> true;
      case DELIVERED, REJECTED -> false;
    };
  }

  private void take(List<BullJob> asked, List<Entered> all, IntPredicate which) {
    List<BullLocks.Taken> taken = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      if (which.test(i)) {
        taken.add(new BullLocks.Taken(asked.get(i), all.get(i).job().taskId()));
      }
    }
    parts.bullmqLocks().taken(taken);
  }

  /**
   * A job that its queue has given up already, since it stalled too often or a child of it failed.
   * What the ledger has under way goes on all the same, and what is delivered is completed. So does
   * one whose last worker was a process of ours: it ended before it had entered the job, of which
   * that says nothing.
   */
  private void refuseFailedBefore(BullJob job, long taskId) throws Rejected {
    boolean byUs = job.stalled() > 0 && BullLocks.NAME.equals(job.lastWorker());
    if (byUs) {
      // Another worker that takes it next would fail it.
      parts.bullmqQueue().forgiveStalls(job.id());
    }
    if (job.deferredFailure() == null || (byUs && job.hasStalledTooOften())) {
      return;
    }
    if (!isOneOf(taskId, ANSWERED_FOR)) {
      throw Rejected.leavingTheRow(taskId, job.deferredFailure());
    }
    // It would fail its next attempt.
    parts.bullmqQueue().forgive(job.id());
  }

  private Job read(BullJob job) throws Rejected {
    String text = job.data();
    int most = parts.settings().queue().payloadMax();
    if (text.getBytes(StandardCharsets.UTF_8).length > most) {
      throw Rejected.unreadable("payload: expected at most " + most + " bytes, found more");
    }
    try {
      Job read = payloads.read(STRICT.readTree(text), text, false);
      checkId(job.id(), read.taskId());
      return read;
    } catch (JsonProcessingException e) {
      throw Rejected.unreadable("payload: expected one JSON object, found malformed JSON");
    }
  }

  /** One that the book cannot hold would keep back all that are entered with it. */
  private static void checkId(String jobId, long taskId) throws Rejected {
    int length = jobId.codePointCount(0, jobId.length());
    if (length > Bullmq.LONGEST_NAME) {
      String most = "jobId: expected at most " + Bullmq.LONGEST_NAME + " characters";
      throw Rejected.failing(taskId, most + ", found " + length);
    }
  }

  /** Whether the job is about a task that the ledger answers for. */
  private boolean entered(BullJob job, Entered entered, List<Ledger.Unrung> ready) {
    long taskId = entered.job().taskId();
    switch (entered.outcome()) {
      case READY -> {
        tell(Event.RECEIVED, entered);
        tell(Event.ENROLLED, entered);
        ready.add(parts.bell().now(taskId, false));
      }
      case WAITING -> {
        tell(Event.RECEIVED, entered);
        tell(Event.WAITING, entered);
      }
      case DUPLICATE -> tell(Event.DUPLICATE, entered);
      case DELIVERED -> {
        tell(Event.DUPLICATE, entered);
        if (!isOneOf(taskId, Set.of("done"))) {
          // Before there was a ledger, or by somebody else: what the ledger says is not its end.
          parts.bullmq().alreadyDone(job, taskId);
          return false;
        }
      }
      case REJECTED -> {
        if (!goesOn(job, entered.job())) {
          reject(job, entered.rejected());
          return false;
        }
      }
    }
    return true;
  }

  /**
   * A job that failed before, and that its queue brings again: by its own backoff, or because
   * somebody has clicked on "retry". Its task goes on at the stage where it stopped, unless the
   * shop has said something else since. The book hears of it later: an active job whose task is
   * dead would be told to fail, by whoever looks in between.
   */
  private boolean goesOn(BullJob job, Job read) {
    return parts.bullmqBook().lastTold(job.id()).filter(BullBook.FAILED::equals).isPresent()
        && (parts.desk().goOn(read, "BullMQ") || hasComeBack(read.taskId()));
  }

  /** Since a moment ago, with another job about the task; it may have been delivered since. */
  private boolean hasComeBack(long taskId) {
    return isOneOf(taskId, ANSWERED_FOR);
  }

  private boolean isOneOf(long taskId, Set<String> states) {
    return parts.ledger().age(taskId).filter(age -> states.contains(age.state())).isPresent();
  }

  private void reject(BullJob job, Rejected rejected) {
    if (rejected.markFailed()) {
      parts
          .admission()
          .failShopRow(
              rejected.taskId().getAsLong(),
              parts.errorReport().write(TAKE_BULLMQ, rejected.getMessage()));
    }
    parts.rejected().add(job.data(), rejected.getMessage());
    parts.bullmq().refuse(job, rejected.getMessage());
    Long taskId = rejected.taskId().isPresent() ? rejected.taskId().getAsLong() : null;
    parts.events().tell(Event.REJECTED, taskId, null, null, null, rejected.getMessage());
  }

  private void tell(Event event, Entered entered) {
    parts.events().tell(event, entered.job().taskId(), entered.orderId(), null, null, null);
  }
}
