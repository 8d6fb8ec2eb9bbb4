package routes;

import static routes.ExchangeProperties.flight;
import static routes.RouteNames.BURY_JOB;
import static routes.RouteNames.CLEAN_UP;
import static routes.RouteNames.direct;

import java.time.Duration;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.util.ObjectHelper;
import routes.job.Flight;
import routes.job.Permanent;
import routes.monitoring.Event;

/**
 * The dead-letter channel: the job is dead, the shop's row failed, and everything is kept for
 * another start.
 */
final class BurialRoute extends RouteBuilder {
  private final Parts parts;

  BurialRoute(Parts parts) {
    this.parts = parts;
  }

  @Override
  public void configure() {
    from(direct(BURY_JOB))
        .routeId(BURY_JOB)
        .routeConfigurationId(ErrorHandling.STORES)
        .description("Dead-letter channel of all stages: files and stage are kept")
        .process(this::bury)
        .id("write-dead");
  }

  private void bury(Exchange exchange) {
    Flight flight = flight(exchange);
    flight.resting(false);
    String work = work(flight);
    Exception failure = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
    if (parts.flights().stopping() && !(failure instanceof Permanent)) {
      // Camel allows no redelivery while it stops and comes straight here: no reason to bury
      // anybody.
      parts.handBack(flight, Duration.ZERO);
      return;
    }
    if (waitsForOthers(flight, work, failure)) {
      flight.probeIsOver();
      parts.park(flight, work);
      return;
    }
    String reason = parts.errorReport().reason(failure);
    if (work.equals(CLEAN_UP)) {
      // The buyer has the link: files that cannot be removed must not turn a delivery into a
      // failure.
      parts.ledger().done(flight);
      parts.events().tell(Event.CLEANUP, flight, work, "the sandbox is left: " + reason);
      return;
    }
    parts
        .ledger()
        .bury(
            flight,
            reason,
            parts.errorReport().write(work, failure, flight.attempts()),
            ObjectHelper.getException(Permanent.class, failure) != null);
    parts.events().tell(Event.DEAD, flight, work, reason);
  }

  /** Its stage is held back, and it has tries left: no reason to bury anybody either. */
  private boolean waitsForOthers(Flight flight, String work, Exception failure) {
    return ObjectHelper.getException(Permanent.class, failure) == null
        && parts.holds().isHeld(work)
        && (flight.losesNoTry() || flight.attempts() < parts.tries(work));
  }

  static String work(Flight flight) {
    return flight.stage().remainingWork().get(0);
  }
}
