package routes;

import static routes.ExchangeProperties.flight;
import static routes.RouteNames.CLEAN_UP;
import static routes.RouteNames.REMOVE_SANDBOX;
import static routes.RouteNames.direct;

import java.io.IOException;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import routes.job.Flight;
import routes.job.Sandbox;
import routes.monitoring.Event;

/** Removes the sandbox of a delivery that the shop knows of. */
final class CleanUpRoute extends RouteBuilder {
  private final Parts parts;

  CleanUpRoute(Parts parts) {
    this.parts = parts;
  }

  @Override
  public void configure() {
    from(direct(CLEAN_UP))
        .routeId(CLEAN_UP)
        .routeConfigurationId(CLEAN_UP)
        .description("Removes the sandbox and closes the job")
        .to(direct(REMOVE_SANDBOX))
        .id("try-clean-up")
        .process(this::writeDown)
        .id("write-done");

    from(direct(REMOVE_SANDBOX))
        .routeId(REMOVE_SANDBOX)
        .errorHandler(noErrorHandler())
        .description("One try of the clean-up")
        .process(this::remove)
        .id("remove-files");
  }

  private void remove(Exchange exchange) throws IOException {
    Flight flight = flight(exchange);
    flight.startClock();
    flight.checkStop();
    new Sandbox(flight.sandbox()).delete();
  }

  private void writeDown(Exchange exchange) {
    Flight flight = flight(exchange);
    parts.ledger().done(flight);
    parts.events().tell(Event.CLEANUP, flight, CLEAN_UP, null);
  }
}
