package routes.monitoring;

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
  /** On the Redis channel only: {@code percent} and {@code file}. */
  PROGRESS
}
