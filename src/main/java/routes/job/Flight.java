package routes.job;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;

/**
 * A job in this worker's hands, from its claim to its end: what the ledger said at the claim, and
 * what has come since. One thread works on it; {@link #stop} may be called from any.
 */
public final class Flight {
  /** Why somebody else wants the work on a job to end. */
  public enum Stop {
    /** The process is stopping: hand it back. */
    HAND_BACK,
    /** Another worker has it: drop it. */
    LOST
  }

  private final long taskId;
  private final long token;
  private final String worker;
  private final String orderId;
  private final String email;
  private final String courseUrl;
  private final String courseKey;
  private final boolean vip;
  private final int crashes;
  private final Path sandbox;
  private final String deliveryId;
  private final AtomicReference<Stop> stop = new AtomicReference<>();
  private final Thread thread = Thread.currentThread();

  private volatile Stage stage;
  private volatile boolean resting;
  private volatile boolean landed;
  private boolean probing;
  private boolean probeCounts;
  private Boolean filesMissing;
  private int attempts;
  private String folder;
  private Manifest manifest;
  private volatile BooleanSupplier held = () -> true;
  private volatile int percent = -1;
  private long percentToldNanos;
  private long stageStartedNanos = System.nanoTime();

  /**
   * @param attempts tries of the stage after {@code stage} that have failed already
   * @param crashes workers that have died with this job in hand
   * @param orderId null if the shop's row has none
   * @param folder null before the download
   * @param manifest null before the download
   */
  public Flight(
      long taskId,
      long token,
      String worker,
      String orderId,
      String email,
      String courseUrl,
      String courseKey,
      boolean vip,
      Stage stage,
      int attempts,
      int crashes,
      Path sandbox,
      String folder,
      Manifest manifest,
      String deliveryId) {
    this.taskId = taskId;
    this.token = token;
    this.worker = worker;
    this.orderId = orderId;
    this.email = email;
    this.courseUrl = courseUrl;
    this.courseKey = courseKey;
    this.vip = vip;
    this.stage = stage;
    this.attempts = attempts;
    this.crashes = crashes;
    this.sandbox = sandbox;
    this.folder = folder;
    this.manifest = manifest;
    this.deliveryId = deliveryId;
  }

  public long taskId() {
    return taskId;
  }

  /** The ledger's fence: only the newest token of a task may write. */
  public long token() {
    return token;
  }

  public String worker() {
    return worker;
  }

  public String orderId() {
    return orderId;
  }

  public String email() {
    return email;
  }

  public String courseUrl() {
    return courseUrl;
  }

  /** The same for every spelling of one course. */
  public String courseKey() {
    return courseKey;
  }

  public boolean vip() {
    return vip;
  }

  /** Workers that have died with this job in hand, lately. */
  public int crashes() {
    return crashes;
  }

  public Path sandbox() {
    return sandbox;
  }

  /** The same on every try of one delivery; a delivery made anew has a new one. */
  public String deliveryId() {
    return deliveryId;
  }

  public Stage stage() {
    return stage;
  }

  /** A stage is finished and written down: the next one starts with a full set of tries. */
  public void reached(Stage reached) {
    stage = reached;
    attempts = 0;
  }

  /**
   * The ledger has taken it over in its last state: done, dead, handed back, or somebody else's.
   */
  public void land() {
    landed = true;
  }

  public boolean landed() {
    return landed;
  }

  /** Tries of the present stage that have failed. */
  public int attempts() {
    return attempts;
  }

  /** Tries of the present stage that have failed, with the one that has just failed. */
  public int countFailure() {
    return losesNoTry() ? attempts : ++attempts;
  }

  /** Whether this job tries a stage that is held back for all others. */
  public boolean probing() {
    return probing;
  }

  /**
   * @param counts whether a failure is the job's own: as a rule, of one that is sent ahead of the
   *     others, it says nothing about the job
   */
  public void probe(boolean counts) {
    probing = true;
    probeCounts = counts;
  }

  public void probeIsOver() {
    probing = false;
  }

  /** Whether a failure now is taken for the outside's. */
  public boolean losesNoTry() {
    return probing && !probeCounts;
  }

  public String folder() {
    return folder;
  }

  public Manifest manifest() {
    return manifest;
  }

  public void downloaded(String folderName, Manifest taken) {
    folder = folderName;
    manifest = taken;
  }

  /**
   * Whether, when this worker began the upload, nothing of the delivery was on this host. Said
   * once.
   */
  public void filesMissing(boolean missing) {
    if (filesMissing == null) {
      filesMissing = missing;
    }
  }

  public boolean filesMissing() {
    return Boolean.TRUE.equals(filesMissing);
  }

  public void startClock() {
    percent = -1;
    percentToldNanos = System.nanoTime() - 1_000_000_000L;
    stageStartedNanos = System.nanoTime();
  }

  /** Milliseconds since the present try began. */
  public long elapsedMillis() {
    return (System.nanoTime() - stageStartedNanos) / 1_000_000;
  }

  /**
   * Asks the work on this job to end; the first reason stays. A pause between two tries is cut
   * short.
   */
  public synchronized void stop(Stop reason) {
    stop.compareAndSet(null, reason);
    if (resting) {
      thread.interrupt();
    }
  }

  /** Ends a pause between two tries; a program that runs may go on. */
  public synchronized void stopIfResting() {
    if (resting) {
      stop(Stop.HAND_BACK);
    }
  }

  /**
   * What has to be true for the job to be this worker's, beside the ledger's word: the worker's
   * lease.
   */
  public void heldWhile(BooleanSupplier condition) {
    held = condition;
  }

  /** How far the present program says it is; -1 if it has said nothing. */
  public int percent() {
    return percent;
  }

  /**
   * Notes how far the program is.
   *
   * @return whether it is worth telling: at most five times a second, and always at the end
   */
  public boolean progressed(int now) {
    percent = now;
    long nanos = System.nanoTime();
    if (now < 100 && nanos - percentToldNanos < 200_000_000L) {
      return false;
    }
    percentToldNanos = nanos;
    return true;
  }

  public boolean isResting() {
    return resting;
  }

  /**
   * Between two tries nothing runs, so that a stop need not wait. The interrupt that ends a pause
   * ends with it: it must not cut off the write that hands the job back.
   */
  public synchronized void resting(boolean now) {
    resting = now;
    if (now && stop.get() != null) {
      thread.interrupt();
    }
    if (!now && thread == Thread.currentThread()) {
      Thread.interrupted();
    }
  }

  /**
   * Asked before everything that can be seen from outside: starting a program, calling the webhook.
   *
   * @throws HandedBack if the process is stopping
   * @throws JobLost if another worker has the job, or may have it
   */
  public void checkStop() {
    if (!held.getAsBoolean()) {
      stop.compareAndSet(null, Stop.LOST);
    }
    Stop reason = stop.get();
    if (reason == Stop.HAND_BACK) {
      throw new HandedBack();
    }
    if (reason == Stop.LOST) {
      throw new JobLost(taskId, token);
    }
  }
}
