package routes.monitoring;

import java.util.Map;

/** What JMX shows of a worker's events. */
public interface EventsMBean {
  /** How often each event has happened in this process. */
  Map<String, Long> getCounts();
}
