package routes.monitoring;

import java.util.Set;

/** What can happen to a job. Source: CONTRACT.md, section 6. */
public enum Event {
  RECEIVED,
  WAITING,
  ENROLLED,
  DOWNLOAD_START,
  DOWNLOAD_SUCCESS,
  DOWNLOAD_ERROR,
  UPLOAD_START,
  UPLOAD_SUCCESS,
  UPLOAD_ERROR,
  COMPLETED,
  WEBHOOK_SUCCESS,
  WEBHOOK_ERROR,
  CLEANUP,
  RETRY,
  REJECTED,
  DUPLICATE,
  DEAD,
  CANCELLED,
  RECOVERED,
  /** An operator has paused a queue; {@code detail} names it. */
  PAUSED,
  /** An operator lets a queue go on. */
  RESUMED,
  /** Something needs a person; {@code detail} begins with the alert's name. */
  ALERT,
  /** It needs nobody any more. */
  ALERT_OVER,
  /** On the Redis channel only: {@code percent} and {@code file}. */
  PROGRESS;

  private static final Set<Event> IRREGULAR =
      Set.of(
          DOWNLOAD_ERROR, UPLOAD_ERROR, WEBHOOK_ERROR, RETRY, REJECTED, DEAD, CANCELLED, RECOVERED);

  /** Whether it is kept for whoever asks about a task later; what goes well has its times. */
  boolean isIrregular() {
    return IRREGULAR.contains(this);
  }
}
