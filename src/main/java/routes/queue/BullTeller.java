package routes.queue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.exceptions.JedisDataException;
import routes.bullmq.BackoffRule;
import routes.bullmq.BullJob;
import routes.bullmq.BullQueue;
import routes.bullmq.Keep;
import routes.bullmq.Outcome;
import routes.ledger.BullBook;
import routes.settings.Bullmq;

/**
 * Tells a BullMQ queue what has become of its jobs. The ledger is the truth: at once after each
 * change, and again and again for what was missed, the queue is brought to where the ledger stands.
 * Telling twice is harmless.
 */
public final class BullTeller {
  private static final Logger LOG = LoggerFactory.getLogger(BullTeller.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int AT_ONCE = 500;

  /** So that a job that waits for its enrolment is not due before its wait is over. */
  private static final Duration AFTER_THE_WAIT = Duration.ofMinutes(1);

  private final BullBook book;
  private final BullQueue queue;
  private final BullLocks locks;
  private final Bullmq settings;
  private final Duration longestWait;
  private final LongFunction<List<String>> lastLines;
  private final BackoffRule backoff;
  private final Set<Long> changed = ConcurrentHashMap.newKeySet();
  private final Map<Long, Integer> progress = new ConcurrentHashMap<>();

  /**
   * @param longestWait for the enrolment
   * @param lastLines of a task's log, without secrets
   */
  public BullTeller(
      BullBook book,
      BullQueue queue,
      BullLocks locks,
      Bullmq settings,
      Duration longestWait,
      LongFunction<List<String>> lastLines) {
    this.book = book;
    this.queue = queue;
    this.locks = locks;
    this.settings = settings;
    this.longestWait = longestWait;
    this.lastLines = lastLines;
    this.backoff = BackoffRule.standard((job, attempt) -> settings.backoff());
  }

  /**
   * Tasks that are not to begin though they are enrolled: their jobs wait in a queue that is
   * paused.
   */
  public Set<Long> pausedAmong(List<Long> tasks) {
    if (!settings.enabled() || tasks.isEmpty() || !queue.isPaused()) {
      return Set.of();
    }
    return book.about(tasks).stream()
        .filter(job -> job.told().equals(BullBook.DELAYED))
        .map(BullBook.Standing::taskId)
        .collect(Collectors.toSet());
  }

  /** Something that a queue wants to know has happened to a task. */
  public void changed(long taskId) {
    if (settings.enabled()) {
      changed.add(taskId);
    }
  }

  /** The task has ended in this process. */
  public void ended(long taskId) {
    locks.setAside(taskId);
    changed(taskId);
  }

  /** How far the present program of a task is, in percent. */
  public void progressed(long taskId, int percent) {
    if (!locks.jobsOf(taskId).isEmpty()) {
      progress.put(taskId, percent);
    }
  }

  /** What has happened since the last call. */
  public void tellChanges() {
    new HashMap<>(progress)
        .forEach(
            (taskId, percent) -> {
              progress.remove(taskId, percent);
              for (String jobId : locks.jobsOf(taskId)) {
                queue.progress(jobId, String.valueOf(percent));
              }
            });
    List<Long> tasks = changed.stream().limit(AT_ONCE).toList();
    // Before they are read: a change that comes meanwhile is looked at once more.
    changed.removeAll(new HashSet<>(tasks));
    try {
      tell(book.about(tasks));
    } catch (RuntimeException e) {
      changed.addAll(tasks);
      throw e;
    }
  }

  /** What was missed: by a process that died, while a store was away, or on another host. */
  public void tellMissed() {
    try {
      tell(book.untold(AT_ONCE));
    } finally {
      locks.look();
    }
  }

  /**
   * Jobs that failed long ago, and that their queue has forgotten. Those that it keeps may still be
   * set going again.
   */
  public void forgetTheOld() {
    List<String> old = book.failedBefore(settings.keepFailed().plusDays(1), AT_ONCE);
    if (!old.isEmpty()) {
      Set<String> kept = queue.kept(old);
      old.removeAll(kept);
      book.stillFailed(kept, old);
    }
    book.forgetOtherQueues(settings.keepFailed().multipliedBy(2).plusDays(1));
  }

  /** What cannot be a job, or is none that can be delivered, fails for good. */
  public void refuse(BullJob job, String reason) {
    unlessRefused(job.id(), () -> fail(job, reason, reason));
    locks.forget(job.id());
  }

  /** There was nothing left to do. */
  public void alreadyDone(BullJob job, long taskId) {
    BullQueue.Success success = new BullQueue.Success(job, result(taskId, null), List.of());
    unlessRefused(job.id(), () -> order(List.of(success)));
    locks.forget(job.id());
  }

  private void tell(List<BullBook.Standing> all) {
    List<BullBook.Standing> done = all.stream().filter(job -> job.state().equals("done")).toList();
    try {
      complete(done);
    } catch (JedisDataException oneOfThem) {
      // Those that were told before it have nothing left to do.
      done.forEach(job -> unlessRefused(job.jobId(), () -> complete(List.of(job))));
    }
    for (BullBook.Standing job : all) {
      switch (job.state()) {
        case "waiting" -> unlessRefused(job.jobId(), () -> waiting(job));
        case "ready", "running" -> unlessRefused(job.jobId(), () -> underWay(job));
        case "done" -> {}
        default -> unlessRefused(job.jobId(), () -> failed(job));
      }
    }
  }

  /** What Redis refuses of one job, for want of a right say, must not keep the others back. */
  private static void unlessRefused(String jobId, Runnable order) {
    try {
      order.run();
    } catch (JedisDataException e) {
      LOG.warn("Job {}: its queue cannot be told: {}", jobId, e.getMessage());
    }
  }

  private void waiting(BullBook.Standing job) {
    if (job.told().equals(BullBook.ACTIVE)) {
      Duration pause = longestWait.plus(AFTER_THE_WAIT);
      if (queue.delay(job.jobId(), locks.token(), pause) == Outcome.SOMEBODY_ELSES) {
        locks.drop(job.jobId(), job.taskId());
      } else {
        told(job, BullBook.DELAYED);
      }
    }
  }

  private void underWay(BullBook.Standing job) {
    if (!job.told().equals(BullBook.ACTIVE)) {
      locks.holdAgain(job.jobId(), job.taskId(), job.told().equals(BullBook.FAILED));
    }
  }

  /** Those that their queue has removed meanwhile need nothing more. */
  private void complete(List<BullBook.Standing> done) {
    List<String> told = new ArrayList<>();
    Map<BullBook.Standing, BullQueue.Success> jobs = new LinkedHashMap<>();
    for (BullBook.Standing job : done) {
      BullJob bull = locks.find(job.jobId(), job.taskId());
      if (bull == null) {
        told.add(job.jobId());
      } else {
        String value = result(job.taskId(), job.folder());
        jobs.put(job, new BullQueue.Success(bull, value, lines(job)));
      }
    }
    Iterator<Outcome> outcomes = order(List.copyOf(jobs.values())).iterator();
    for (BullBook.Standing job : jobs.keySet()) {
      Supplier<Outcome> again = () -> order(List.of(jobs.get(job))).get(0);
      boolean failedBefore = job.told().equals(BullBook.FAILED);
      Outcome outcome = locks.end(job.jobId(), job.taskId(), failedBefore, outcomes.next(), again);
      if (outcome == Outcome.CHILDREN_UNDER_WAY) {
        LOG.warn("Job {} is delivered, and its children have not ended", job.jobId());
      } else {
        told.add(job.jobId());
      }
    }
    book.forget(told);
    told.forEach(locks::letGo);
  }

  private List<Outcome> order(List<BullQueue.Success> jobs) {
    return jobs.isEmpty()
        ? List.of()
        : queue.complete(jobs, locks.token(), completedKept(), settings.metrics());
  }

  /**
   * One attempt of BullMQ's is all tries of the stage at which a job stops; the next one goes on
   * there. A failure that is final, or an operator's word, leaves no next one.
   */
  private void failed(BullBook.Standing job) {
    if (job.told().equals(BullBook.FAILED)) {
      return;
    }
    BullJob bull = locks.find(job.jobId(), job.taskId());
    if (bull == null) {
      locks.forget(job.jobId());
      return;
    }
    String reason = job.lastError() == null ? job.state() : job.lastError();
    String trace = job.errorLog() == null ? reason : job.errorLog();
    boolean forGood = job.forGood() || job.stage() == null || job.state().equals("cancelled");
    int attempt = bull.attemptsMade() + 1;
    List<String> lines = lines(job);
    if (!forGood && attempt < bull.attempts()) {
      // In the book first: without a backoff it is back at once, and has to be known again. What a
      // crash leaves here counts as stalled, and comes back too. And only by one process: the
      // second order would fail the attempt that the first one has brought.
      if (book.fails(job, () -> {})) {
        queue.log(job.jobId(), lines, bull.keepLogs());
        locks.letGo(job.jobId());
        end(job, () -> retry(bull, reason, trace, attempt));
      }
    } else {
      // The other way round: a job that nobody wants must not come back. One that has come back
      // since it was read, somebody wants.
      boolean told =
          book.fails(
              job,
              () -> {
                queue.log(job.jobId(), lines, bull.keepLogs());
                end(job, () -> fail(bull, reason, trace));
              });
      if (told) {
        locks.letGo(job.jobId());
      }
    }
  }

  private void end(BullBook.Standing job, Supplier<Outcome> order) {
    locks.end(job.jobId(), job.taskId(), false, order.get(), order);
  }

  private Outcome retry(BullJob job, String reason, String trace, int attempt) {
    return queue.retry(job, locks.token(), reason, trace, backoff.after(job, attempt));
  }

  private Outcome fail(BullJob job, String reason, String trace) {
    return queue.fail(job, locks.token(), reason, trace, failedKept(), settings.metrics());
  }

  private List<String> lines(BullBook.Standing job) {
    return settings.logLines() == 0 ? List.of() : lastLines.apply(job.taskId());
  }

  private void told(BullBook.Standing job, String what) {
    book.told(job.jobId(), what);
    locks.letGo(job.jobId());
  }

  private Keep completedKept() {
    return kept(settings.keepCompleted());
  }

  private Keep failedKept() {
    return kept(settings.keepFailed());
  }

  private static Keep kept(Duration age) {
    return age.isZero() ? new Keep(0, null) : Keep.lasting(age);
  }

  private static String result(long taskId, String folder) {
    ObjectNode result = JSON.createObjectNode();
    result.put("taskId", taskId);
    result.put("status", "completed");
    if (folder != null) {
      result.put("folder", folder);
    }
    return result.toString();
  }
}
