package routes.bullmq;

/**
 * Headers of an exchange that carries a BullMQ job. The consumer sets them and reads {@link
 * #DELAY}; the producer reads those of the options. None is ever made from a job's data, which is
 * the body.
 */
public final class BullmqConstants {
  /**
   * String: the job's id. Read by the producer as the id to add under, and set by it to the one
   * that was given.
   */
  public static final String JOB_ID = "CamelBullmqJobId";

  /** String: what kind of job it is. */
  public static final String JOB_NAME = "CamelBullmqJobName";

  /** String: JSON, the options that the job was added with. */
  public static final String OPTIONS = "CamelBullmqOptions";

  /** Integer: how often the job has failed before. */
  public static final String ATTEMPTS_MADE = "CamelBullmqAttemptsMade";

  /** Long: when the job was added, in ms since the epoch. */
  public static final String TIMESTAMP = "CamelBullmqTimestamp";

  /**
   * {@link BullJob}: the job itself; not a header but a property of the exchange. In a batch the
   * body holds them.
   */
  public static final String JOB = "CamelBullmqJob";

  /**
   * Duration, or a number of ms. Set by the route: the job is put off for so long, no attempt is
   * counted. Read by the producer: how long the job waits.
   */
  public static final String DELAY = "CamelBullmqDelay";

  /** Integer: read by the producer; 0 for none, else the lower goes first. */
  public static final String PRIORITY = "CamelBullmqPriority";

  /** Integer: read by the producer. */
  public static final String ATTEMPTS = "CamelBullmqAttempts";

  /** String: read by the producer; JSON, as {@code {"type":"exponential","delay":1000}}. */
  public static final String BACKOFF = "CamelBullmqBackoff";

  private BullmqConstants() {}
}
