package routes.monitoring;

/**
 * What JMX shows of a queue, over all processes. Read from the stores when it is asked for, at most
 * once a second; fails while they are away.
 */
public interface QueueMXBean {
  String getInbox();

  /** Whether an operator has paused it. */
  boolean isPaused();

  /** Messages that nobody has read yet. */
  long getUnread();

  /** Jobs whose buyer is not enrolled yet. */
  long getWaiting();

  long getReady();

  long getRunning();

  /** Jobs that wait for a time, or until something is no longer held back. */
  long getDelayed();

  long getDead();

  /** Seconds since the oldest job came that is neither done nor dead; null if there is none. */
  Long getOldestSeconds();

  /** Over the last five minutes. */
  double getDonePerMinute();
}
