package routes.monitoring;

import java.util.Comparator;
import java.util.List;
import routes.Parts;
import routes.job.Flight;

/** This process, as JMX shows it. */
final class WorkerView implements WorkerMXBean {
  private final Parts parts;

  WorkerView(Parts parts) {
    this.parts = parts;
  }

  @Override
  public String getId() {
    return parts.lease().worker().id();
  }

  @Override
  public int getSlots() {
    return parts.tuning().workers();
  }

  @Override
  public int getBusy() {
    return parts.flights().all().size();
  }

  @Override
  public boolean isLeaseValid() {
    return parts.lease().isValid();
  }

  @Override
  public boolean isStopping() {
    return parts.flights().stopping();
  }

  @Override
  public List<String> getJobs() {
    return parts.flights().all().stream()
        .sorted(Comparator.comparingLong(Flight::taskId))
        .map(WorkerView::line)
        .toList();
  }

  private static String line(Flight flight) {
    String work = flight.stage().remainingWork().stream().findFirst().orElse("ending");
    String percent = flight.percent() < 0 ? "" : ", " + flight.percent() + " %";
    return flight.taskId() + ": " + work + ", try " + (flight.attempts() + 1) + percent;
  }
}
