package routes.bullmq;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.params.ZRangeParams;

/**
 * One BullMQ queue, from a worker's side and, as far as adding goes, a producer's. Knows no Camel.
 * Every order is one script and happens whole or not at all. Every method may throw {@link
 * UnknownBullVersion}, or a Jedis exception when Redis is away; after that an order may have been
 * carried out, and can be given again.
 */
public final class BullQueue {
  /** States whose jobs are in a sorted set of that name. */
  private static final List<String> SETS =
      List.of("prioritized", "delayed", "completed", "failed", "waiting-children");

  private final UnifiedJedis redis;
  private final BullKeys keys;
  private final Clock clock;

  /**
   * @param prefix of all keys; {@code bull} unless the producers have set one
   */
  public BullQueue(UnifiedJedis redis, String prefix, String queue, Clock clock) {
    this.redis = redis;
    this.keys = new BullKeys(prefix, queue);
    this.clock = clock;
  }

  /**
   * How a worker takes jobs.
   *
   * @param token of the locks: the same for all who may answer for a job
   * @param lock for how long a job is the worker's without a renewal
   * @param name shown as {@code processedBy}; may be empty
   * @param max jobs that start in a {@code window}, of all workers; 0 for no limit. A limit that
   *     the queue itself has goes first
   */
  public record Worker(String token, Duration lock, String name, int max, Duration window) {}

  /**
   * Takes jobs that wait, in the queue's order; each is active and locked from then on.
   *
   * @param most jobs
   */
  public Taken take(Worker worker, int most) {
    List<?> answer =
        (List<?>)
            Script.TAKE.run(
                redis,
                keys.own(),
                List.of(
                    keys.base(),
                    now(),
                    worker.token(),
                    millis(worker.lock()),
                    worker.name(),
                    worker.max() == 0 ? "" : String.valueOf(worker.max()),
                    worker.max() == 0 ? "" : millis(worker.window()),
                    String.valueOf(most)));
    List<BullJob> jobs = new ArrayList<>();
    for (Object each : (List<?>) answer.get(0)) {
      List<?> job = (List<?>) each;
      jobs.add(BullJob.of((String) job.get(0), pairs((List<?>) job.get(1)), (String) job.get(2)));
    }
    return new Taken(
        jobs,
        Duration.ofMillis(number(answer.get(1))),
        number(answer.get(2)),
        number(answer.get(3)) == 1);
  }

  /**
   * Blocks until there may be something to take.
   *
   * @param longest whether or not something comes
   * @return false if nothing came
   */
  public boolean await(Duration longest) {
    double seconds = Math.max(0.001, longest.toMillis() / 1000.0);
    return redis.bzpopmin(seconds, keys.of("marker")) != null;
  }

  /**
   * Renews the locks of jobs.
   *
   * @return ids of those that are not this token's: lost, ended, or taken by somebody else
   */
  public List<String> extend(Worker worker, Collection<String> ids) {
    if (ids.isEmpty()) {
      return List.of();
    }
    List<String> arguments =
        new ArrayList<>(List.of(keys.base(), worker.token(), millis(worker.lock())));
    arguments.addAll(ids);
    String[] locks = ids.stream().map(keys::lock).toArray(String[]::new);
    return ((List<?>) Script.EXTEND.run(redis, keys.own(locks), arguments))
        .stream().map(String.class::cast).toList();
  }

  /**
   * Makes a job active under this token again, wherever it waits: one that was put off and may go
   * on, one whose lock has run out, one that was given back.
   *
   * @param revive whether one that has failed is set going too
   * @return {@link Outcome#NOT_ACTIVE} if it has ended
   */
  public Outcome hold(Worker worker, String id, boolean revive) {
    Object answer =
        Script.HOLD.run(
            redis,
            keys.with(id),
            List.of(
                keys.base(),
                id,
                worker.token(),
                millis(worker.lock()),
                worker.name(),
                now(),
                revive ? "1" : "0"));
    return number(answer) == 1 ? Outcome.DONE : Outcome.of(answer);
  }

  /**
   * @param json a number, or whatever else the job's listeners understand
   */
  public Outcome progress(String id, String json) {
    return Outcome.of(Script.PROGRESS.run(redis, keys.with(id), List.of(keys.base(), id, json)));
  }

  /**
   * Adds lines to a job's log.
   *
   * @param keep the newest so many stay; 0 for all
   */
  public void log(String id, List<String> lines, int keep) {
    if (lines.isEmpty()) {
      return;
    }
    List<String> arguments =
        new ArrayList<>(List.of(keys.base(), id, keep == 0 ? "" : String.valueOf(keep)));
    arguments.addAll(lines);
    Script.LOG.run(redis, keys.with(id), arguments);
  }

  /**
   * The job has ended well.
   *
   * @param returnValue JSON
   * @param keep what becomes of those that have ended well, unless the producer has said
   * @param metrics minutes for which the queue's numbers are kept; 0 for none
   */
  public Outcome complete(BullJob job, String token, String returnValue, Keep keep, int metrics) {
    return complete(List.of(new Success(job, returnValue, List.of())), token, keep, metrics).get(0);
  }

  /**
   * A job that has ended well.
   *
   * @param returnValue JSON
   * @param lines that its log ends with
   */
  public record Success(BullJob job, String returnValue, List<String> lines) {}

  /**
   * Jobs have ended well; told in one round trip.
   *
   * @param keep as for one
   * @param metrics as for one
   * @return what became of each, in their order
   */
  public List<Outcome> complete(List<Success> jobs, String token, Keep keep, int metrics) {
    List<Script.Call> calls =
        jobs.stream()
            .map(
                ended ->
                    new Script.Call(
                        keys.with(ended.job().id()), completed(ended, token, keep, metrics)))
            .toList();
    return Script.FINISH.runAll(redis, calls).stream().map(Outcome::of).toList();
  }

  private List<String> completed(Success ended, String token, Keep keep, int metrics) {
    Keep wanted = keep.unless(ended.job().options().path("removeOnComplete"));
    List<String> arguments =
        new ArrayList<>(
            finish(ended.job(), token, "completed", ended.returnValue(), "", wanted, metrics));
    arguments.addAll(ended.lines());
    return arguments;
  }

  /**
   * The job has failed for good.
   *
   * @param stacktrace one text; those of earlier attempts stay beside it
   */
  public Outcome fail(
      BullJob job, String token, String reason, String stacktrace, Keep keep, int metrics) {
    Keep wanted = keep.unless(job.options().path("removeOnFail"));
    String traces = Stacktraces.with(job, stacktrace);
    List<String> arguments = finish(job, token, "failed", reason, traces, wanted, metrics);
    return Outcome.of(Script.FINISH.run(redis, keys.with(job.id()), arguments));
  }

  private List<String> finish(
      BullJob job,
      String token,
      String state,
      String value,
      String stacktraces,
      Keep keep,
      int metrics) {
    return List.of(
        keys.base(),
        job.id(),
        token,
        now(),
        state,
        value,
        stacktraces,
        String.valueOf(keep.count()),
        keep.age() == null ? "" : String.valueOf(keep.age().toSeconds()),
        String.valueOf(Keep.FORGOTTEN_AT_ONCE),
        metrics == 0 ? "" : String.valueOf(metrics),
        String.valueOf(job.attempts()),
        job.keepLogs() == 0 ? "" : String.valueOf(job.keepLogs()));
  }

  /**
   * An attempt has failed, and there is to be another one.
   *
   * @param pause before it; zero for at once
   */
  public Outcome retry(
      BullJob job, String token, String reason, String stacktrace, Duration pause) {
    String traces = Stacktraces.with(job, stacktrace);
    // An empty reason would say that no attempt was made.
    String why = reason.isEmpty() ? "unknown" : reason;
    if (pause.toMillis() == 0) {
      return lineUp(job.id(), token, job.lifo(), why, traces, "");
    }
    return putOff(job.id(), token, pause, why, traces);
  }

  /** Puts a job off without counting an attempt: it is not the job's turn yet. */
  public Outcome delay(String id, String token, Duration pause) {
    return putOff(id, token, pause, "", "");
  }

  /**
   * Gives a job back without counting an attempt: it is the next to be taken. Not if somebody has
   * taken it since, perhaps under the same token.
   */
  public Outcome release(BullJob job, String token) {
    return lineUp(job.id(), token, true, "", "", String.valueOf(job.attemptsStarted()));
  }

  private Outcome lineUp(
      String id, String token, boolean first, String reason, String stacktraces, String started) {
    return Outcome.of(
        Script.RETRY.run(
            redis,
            keys.with(id),
            List.of(keys.base(), id, token, first ? "1" : "0", reason, stacktraces, started)));
  }

  private Outcome putOff(
      String id, String token, Duration pause, String reason, String stacktraces) {
    return Outcome.of(
        Script.DELAY.run(
            redis,
            keys.with(id),
            List.of(
                keys.base(),
                id,
                token,
                String.valueOf(clock.millis() + pause.toMillis()),
                millis(pause),
                reason,
                stacktraces)));
  }

  /**
   * Looks for jobs whose worker has gone silent. A job is free at the second look that finds it
   * without a lock.
   *
   * @param interval least time between two looks, of all workers together
   * @param maxStalled a job that has stalled more often fails when it is taken next
   * @return ids of those that are free again
   */
  public List<String> freeStalled(Duration interval, int maxStalled) {
    Object answer =
        Script.STALLED.run(
            redis,
            keys.own(),
            List.of(
                keys.base(), now(), millis(interval), String.valueOf(maxStalled), BullJob.STALLED));
    return ((List<?>) answer).stream().map(String.class::cast).toList();
  }

  /**
   * Adds a job.
   *
   * @param name what kind of job it is
   * @param data JSON
   * @return its id, or that of the one that was there already under the same id or deduplication
   */
  public String add(String name, String data, NewJob job) {
    return (String)
        Script.ADD.run(
            redis,
            keys.own(),
            List.of(
                keys.base(),
                job.id() == null ? "" : job.id(),
                name,
                data,
                job.json(),
                now(),
                millis(job.delay()),
                String.valueOf(job.priority()),
                job.lifo() ? "1" : "0",
                job.deduplicationId() == null ? "" : job.deduplicationId(),
                job.deduplicationTtl() == null ? "" : millis(job.deduplicationTtl())));
  }

  /** Whoever takes the job next need not fail it: it has gone on. */
  public void forgive(String id) {
    redis.hdel(keys.of(id), "defa");
  }

  /** As if the job had never stalled: nobody fails it for that. */
  public void forgiveStalls(String id) {
    if (BullJob.STALLED.equals(redis.hget(keys.of(id), "defa"))) {
      forgive(id);
    }
    redis.hdel(keys.of(id), "stc");
  }

  /** The job as it is now; empty if there is none. */
  public Optional<BullJob> find(String id) {
    Map<String, String> hash = redis.hgetAll(keys.of(id));
    return hash.isEmpty() ? Optional.empty() : Optional.of(BullJob.of(id, hash, hash.get("pb")));
  }

  /** Those of the jobs that the queue still has, in whatever state. */
  public Set<String> kept(Collection<String> ids) {
    Map<String, Response<Boolean>> there = new LinkedHashMap<>();
    try (AbstractPipeline pipeline = redis.pipelined()) {
      ids.forEach(id -> there.put(id, pipeline.exists(keys.of(id))));
    }
    there.values().removeIf(answer -> !answer.get());
    return there.keySet();
  }

  /**
   * Whether a job that is gone has ended, and was not just removed: the queue's events say so, as
   * far back as they are kept.
   */
  public boolean hasEnded(String id) {
    return new BullEvents(redis, keys.of("events")).hasEnded(id);
  }

  /** How many jobs are in each state; {@code waiting} holds those of a paused queue too. */
  public Map<String, Long> counts() {
    return look().jobs();
  }

  /** Whether its own pause holds: for all of its workers. */
  public boolean isPaused() {
    return redis.hexists(keys.of("meta"), "paused");
  }

  /** How the queue is, in one round trip. A version that is not known is no failure here. */
  public Depth look() {
    Map<String, Response<Long>> answers = new HashMap<>();
    Response<List<String>> meta;
    try (AbstractPipeline pipeline = redis.pipelined()) {
      meta = pipeline.hmget(keys.of("meta"), "version", "paused");
      for (String list : List.of("wait", "paused", "active")) {
        answers.put(list, pipeline.llen(keys.of(list)));
      }
      for (String set : SETS) {
        answers.put(set, pipeline.zcard(keys.of(set)));
      }
      pipeline.sync();
    }
    String version = meta.get().get(0);
    boolean paused = meta.get().get(1) != null;
    if (!UnknownBullVersion.knows(version)) {
      return new Depth(Map.of(), paused, UnknownBullVersion.reason(version));
    }
    Map<String, Long> jobs = new LinkedHashMap<>();
    jobs.put("waiting", answers.get("wait").get() + answers.get("paused").get());
    jobs.put("active", answers.get("active").get());
    SETS.forEach(set -> jobs.put(set, answers.get(set).get()));
    return new Depth(Collections.unmodifiableMap(jobs), paused, null);
  }

  /** Ids of the jobs that have ended in this way, the newest first. */
  public List<String> ended(String state, int most) {
    return redis.zrange(keys.of(state), ZRangeParams.zrangeParams(0, most - 1).rev());
  }

  private String now() {
    return String.valueOf(clock.millis());
  }

  private static String millis(Duration duration) {
    return String.valueOf(duration.toMillis());
  }

  private static long number(Object answer) {
    return ((Number) answer).longValue();
  }

  private static Map<String, String> pairs(List<?> flat) {
    Map<String, String> map = new HashMap<>();
    for (int i = 0; i + 1 < flat.size(); i += 2) {
      map.put((String) flat.get(i), (String) flat.get(i + 1));
    }
    return map;
  }
}
