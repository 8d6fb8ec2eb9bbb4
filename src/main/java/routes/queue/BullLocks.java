package routes.queue;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.bullmq.BullJob;
import routes.bullmq.BullQueue;
import routes.bullmq.Outcome;
import routes.ledger.BullBook;
import routes.settings.Bullmq;

/**
 * The jobs of a BullMQ queue that are under way in the ledger, and their locks: those keep other
 * workers of the queue out, the ledger our own apart. So one token holds them all, and every
 * process renews them all: none has to be handed on when a process dies.
 */
public final class BullLocks {
  /** By which the queue knows all our processes. */
  public static final String NAME = "waybill";

  private static final Logger LOG = LoggerFactory.getLogger(BullLocks.class);

  private final BullBook book;
  private final BullQueue queue;
  private final Bullmq settings;
  private final Supplier<String> owner;
  private final LongConsumer lost;
  private volatile BullQueue.Worker worker;

  /** Jobs by their tasks. */
  private final Map<Long, Set<String>> active = new ConcurrentHashMap<>();

  /** Taken by this process, and not ended. */
  private final Set<String> mine = ConcurrentHashMap.newKeySet();

  /** As they were taken; what another process has taken is asked for. */
  private final Map<String, BullJob> known = new ConcurrentHashMap<>();

  private Set<String> goneAtLastLook = Set.of();
  private Set<BullBook.Taken> endedAtLastLook = Set.of();

  /**
   * @param owner id of the present worker
   * @param lost takes the id of a task whose flight has to end without a word
   */
  public BullLocks(
      BullBook book, BullQueue queue, Bullmq settings, Supplier<String> owner, LongConsumer lost) {
    this.book = book;
    this.queue = queue;
    this.settings = settings;
    this.owner = owner;
    this.lost = lost;
  }

  /** Before anything else. Gives the token, which is the same for all processes of one ledger. */
  public String begin() {
    String token = "waybill:" + book.installation();
    worker =
        new BullQueue.Worker(
            token, settings.lock(), NAME, settings.limiterMax(), settings.limiterDuration());
    return token;
  }

  String token() {
    return worker.token();
  }

  /** How many jobs this process has taken that will soon have a slot, or have one. */
  public int inHand() {
    return mine.size();
  }

  /** A job that this process has taken, and the task that it is about. */
  public record Taken(BullJob job, long taskId) {}

  /**
   * Of jobs that could not be entered for a while, and whose locks may have run out meanwhile,
   * those that are still ours.
   */
  public List<BullJob> stillOurs(List<BullJob> jobs) {
    Set<String> lost = new HashSet<>(queue.extend(worker, jobs.stream().map(BullJob::id).toList()));
    return jobs.stream()
        .filter(
            job -> !lost.contains(job.id()) || hold(job.id(), taskOf(job), false) == Outcome.DONE)
        .toList();
  }

  /** Written down; whoever ends one of them finds it from then on. */
  public void taken(List<Taken> jobs) {
    jobs.forEach(each -> known.put(each.job().id(), each.job()));
    enter(jobs.stream().map(each -> new BullBook.Taken(each.job().id(), each.taskId())).toList());
  }

  private void enter(List<BullBook.Taken> jobs) {
    book.taken(jobs, owner.get());
    for (BullBook.Taken job : jobs) {
      mine.add(job.jobId());
      addToActive(job);
    }
  }

  private void addToActive(BullBook.Taken job) {
    active.compute(
        job.taskId(),
        (id, jobs) -> {
          Set<String> with = jobs == null ? ConcurrentHashMap.newKeySet() : jobs;
          with.add(job.jobId());
          return with;
        });
  }

  private void removeFromActive(BullBook.Taken job) {
    active.computeIfPresent(
        job.taskId(),
        (id, jobs) -> {
          jobs.remove(job.jobId());
          return jobs.isEmpty() ? null : jobs;
        });
  }

  /** The task has ended here, or waits for others: there is room for the next one. */
  public void setAside(long taskId) {
    mine.removeAll(jobsOf(taskId));
  }

  /** The active jobs that are about a task. */
  Set<String> jobsOf(long taskId) {
    return active.getOrDefault(taskId, Set.of());
  }

  /** As it was taken, or as its queue has it; null if there is none that is about the task. */
  BullJob find(String jobId, long taskId) {
    BullJob taken = known.get(jobId);
    return taken != null
        ? taken
        : queue.find(jobId).filter(job -> isAbout(job, taskId)).orElse(null);
  }

  /**
   * Ours is gone too if another job has its id: after {@code obliterate}, or when Redis has lost
   * its data, ids begin again.
   */
  private Outcome hold(String jobId, long taskId, boolean revive) {
    return isAnother(jobId, taskId) ? Outcome.GONE : queue.hold(worker, jobId, revive);
  }

  private boolean isAnother(String jobId, long taskId) {
    return queue.find(jobId).filter(job -> !isAbout(job, taskId)).isPresent();
  }

  private static boolean isAbout(BullJob job, long taskId) {
    return taskOf(job) == taskId;
  }

  private static long taskOf(BullJob job) {
    return job.dataAsJson().path("taskId").asLong();
  }

  /**
   * A job that was put off, or has failed, is under way again.
   *
   * @param revive whether it has failed
   */
  void holdAgain(String jobId, long taskId, boolean revive) {
    Outcome outcome = hold(jobId, taskId, revive);
    if (outcome == Outcome.DONE) {
      enter(List.of(new BullBook.Taken(jobId, taskId)));
    } else if (outcome == Outcome.GONE && revive) {
      // Its end that the queue tells of is the one that we have told.
      deliverAllTheSame(jobId);
    } else if (outcome == Outcome.NOT_ACTIVE && revive) {
      // Somebody else's worker has ended it since: what is under way now, another job has brought.
      forget(jobId);
    } else {
      notOurs(jobId, taskId, outcome);
    }
  }

  /**
   * What became of an order to end a job. Its lock may have run out, or the job was put off: then
   * it is held, and the order given again.
   *
   * @param revive whether it may have failed before
   */
  Outcome end(String jobId, long taskId, boolean revive, Outcome outcome, Supplier<Outcome> order) {
    if (outcome != Outcome.LOCK_LOST) {
      return outcome;
    }
    Outcome held = hold(jobId, taskId, revive);
    return held == Outcome.DONE ? order.get() : held;
  }

  /** Compares what is in hand with the book, which all processes write. */
  void look() {
    Set<BullBook.Taken> held = new HashSet<>();
    Set<String> own = new HashSet<>();
    for (BullBook.Held job : book.held()) {
      held.add(new BullBook.Taken(job.jobId(), job.taskId()));
      if (job.owner().equals(owner.get())) {
        own.add(job.jobId());
      }
    }
    held.forEach(this::addToActive);
    // Twice in a row, here and below: one that has just been taken may not be in the book yet.
    Set<BullBook.Taken> ended = new HashSet<>();
    active.forEach(
        (taskId, jobs) -> jobs.forEach(jobId -> ended.add(new BullBook.Taken(jobId, taskId))));
    ended.removeAll(held);
    ended.stream().filter(endedAtLastLook::contains).forEach(this::removeFromActive);
    endedAtLastLook = ended;
    Set<String> gone = new HashSet<>(mine);
    gone.addAll(known.keySet());
    gone.removeAll(own);
    gone.stream().filter(goneAtLastLook::contains).forEach(this::letGo);
    goneAtLastLook = gone;
  }

  /**
   * Of the jobs that were under way at the last look: without the ledger, which may be away, and
   * may take long to say so.
   */
  public void extend() {
    queue.extend(worker, active.values().stream().flatMap(Set::stream).toList());
  }

  /** Of all jobs that are under way in the ledger, whoever works on them. */
  public void renew() {
    Map<String, Long> tasks = new HashMap<>();
    book.held().forEach(job -> tasks.put(job.jobId(), job.taskId()));
    for (String jobId : queue.extend(worker, tasks.keySet())) {
      if (!isUnderWay(jobId, tasks.get(jobId))) {
        // It has ended since it was read: it may have been put off, and is to come back by itself.
        continue;
      }
      Outcome outcome = hold(jobId, tasks.get(jobId), false);
      if (outcome == Outcome.DONE) {
        LOG.warn("The lock of job {} had run out: it is held again", jobId);
        queue.forgiveStalls(jobId);
      } else {
        notOurs(jobId, tasks.get(jobId), outcome);
      }
    }
  }

  /**
   * Nobody needs a job that somebody has removed. One that has ended, another worker has ended; its
   * hash may be gone with that.
   */
  private void notOurs(String jobId, long taskId, Outcome why) {
    if (why == Outcome.GONE && !hasEnded(jobId, taskId)) {
      deliverAllTheSame(jobId);
    } else if (why == Outcome.SOMEBODY_ELSES || isUnderWay(jobId, taskId)) {
      drop(jobId, taskId);
    }
  }

  private boolean hasEnded(String jobId, long taskId) {
    return (queue.hasEnded(jobId) && !isAnother(jobId, taskId))
        || book.isDeliveredElsewhere(taskId);
  }

  private void deliverAllTheSame(String jobId) {
    LOG.warn("Job {} is not in its queue any more: its task is delivered all the same", jobId);
    forget(jobId);
  }

  /** Asked once more: another process of ours may have ended it in this moment. */
  private boolean isUnderWay(String jobId, long taskId) {
    return book.about(List.of(taskId)).stream()
        .anyMatch(job -> job.jobId().equals(jobId) && job.isUnderWay());
  }

  /** Another worker of the queue works on it: what is under way here ends without a word. */
  void drop(String jobId, long taskId) {
    LOG.warn("Job {} is another worker's by now: task {} is dropped", jobId, taskId);
    book.leave(taskId);
    lost.accept(taskId);
    forget(jobId);
  }

  void forget(String jobId) {
    book.forget(List.of(jobId));
    letGo(jobId);
  }

  void letGo(String jobId) {
    mine.remove(jobId);
    known.remove(jobId);
  }
}
