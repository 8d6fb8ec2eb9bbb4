package routes.monitoring;

import java.util.Map;

/** What JMX shows of the circuit breakers; what they hold back is with the holds. */
public interface BreakersMBean {
  /** Failed tries of each stage in this process since the last that went well. */
  Map<String, Integer> getFailuresInARow();

  /** So many of them hold a stage back. */
  int getThreshold();
}
