package routes.monitoring;

import java.util.List;

/** What JMX shows of this process. */
public interface WorkerMXBean {
  String getId();

  /** Jobs it runs at once. */
  int getSlots();

  /** Jobs it has in hand. */
  int getBusy();

  /** Whether it still may hold jobs; if not, it has dropped them and begins anew. */
  boolean isLeaseValid();

  /** Whether it takes nothing more. */
  boolean isStopping();

  /** A line for each job in hand: task id, what is done for it, try, and percent if known. */
  List<String> getJobs();
}
