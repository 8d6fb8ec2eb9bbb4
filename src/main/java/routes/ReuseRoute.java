package routes;

import static routes.ExchangeProperties.flight;
import static routes.RouteNames.REUSE_DELIVERY;
import static routes.RouteNames.UPLOAD;
import static routes.RouteNames.direct;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.job.Flight;
import routes.job.Manifest;
import routes.job.Permanent;
import routes.job.UploadFailed;
import routes.monitoring.Event;

/**
 * Gives a buyer what another buyer of the same course has got, if the remote still holds it whole.
 * Whatever speaks against it, the job goes the ordinary way.
 */
final class ReuseRoute extends RouteBuilder {
  private static final Logger LOG = LoggerFactory.getLogger(ReuseRoute.class);

  private final Parts parts;

  ReuseRoute(Parts parts) {
    this.parts = parts;
  }

  @Override
  public void configure() {
    from(direct(REUSE_DELIVERY))
        .routeId(REUSE_DELIVERY)
        .routeConfigurationId(ErrorHandling.STORES)
        .description("Gives what the remote holds of this course already")
        .process(this::lookUp)
        .id("look-up-delivery")
        .filter(exchange -> flight(exchange).manifest() != null)
        .doTry()
        .to("exec:rclone-list?commandExecutor=#programs&binding=#rcloneList")
        .id("exec-list-delivery")
        .process(this::compare)
        .id("compare-delivery")
        .process(this::writeDown)
        .id("write-reused")
        .doCatch(UploadFailed.class, IOException.class, Permanent.class)
        .process(this::forget)
        .id("forget-delivery")
        .end()
        .end();
  }

  private void lookUp(Exchange exchange) {
    Flight flight = flight(exchange);
    flight.checkStop();
    flight.startClock();
    parts
        .deliveries()
        .find(flight.courseKey())
        .ifPresentOrElse(
            delivery -> flight.downloaded(delivery.folder(), delivery.contents()),
            () -> parts.deliveries().count(false));
  }

  private void compare(Exchange exchange) throws UploadFailed {
    Flight flight = flight(exchange);
    @SuppressWarnings("unchecked")
    Map<String, Manifest.Entry> there = exchange.getMessage().getBody(Map.class);
    List<String> faults = flight.manifest().missingFrom(there);
    if (!faults.isEmpty()) {
      throw new UploadFailed("the remote does not hold it any more: " + faults.get(0));
    }
  }

  private void writeDown(Exchange exchange) {
    Flight flight = flight(exchange);
    parts.ledger().reused(flight, flight.folder(), flight.manifest());
    parts.deliveries().count(true);
    parts
        .events()
        .tell(Event.COMPLETED, flight, UPLOAD, flight.folder() + ", which was delivered before");
  }

  private void forget(Exchange exchange) {
    Flight flight = flight(exchange);
    Exception cause = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
    LOG.info(
        "Task {}: the earlier delivery is not used: {}",
        flight.taskId(),
        parts.errorReport().reason(cause));
    parts.deliveries().forget(flight.courseKey());
    parts.deliveries().count(false);
    flight.downloaded(null, null);
  }
}
