package routes.job;

import java.time.Duration;
import java.util.Optional;

/** A failure that may be over at the next try. */
public class Transient extends Exception {
  private final transient Duration notBefore;

  public Transient(String reason) {
    this(reason, null, null);
  }

  public Transient(String reason, Throwable cause) {
    this(reason, cause, null);
  }

  /**
   * @param notBefore how long the other side asked to be left alone, or null if it did not
   */
  public Transient(String reason, Throwable cause, Duration notBefore) {
    super(reason, cause);
    this.notBefore = notBefore;
  }

  /** How long the other side asked to be left alone. */
  public Optional<Duration> notBefore() {
    return Optional.ofNullable(notBefore);
  }
}
