package routes;

import static routes.RouteNames.CLAIM_JOB;

import java.time.Duration;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.spi.Synchronization;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.job.Flight;
import routes.job.Permanent;
import routes.ledger.LedgerAway;

/**
 * Claims a job that is ready, and takes it through the stages that remain: this route's threads are
 * the slots.
 */
final class ClaimRoute extends RouteBuilder {
  private static final Logger LOG = LoggerFactory.getLogger(ClaimRoute.class);

  /** A job that left the route in a way nobody foresaw must not come round at full speed. */
  private static final Duration UNEXPECTED = Duration.ofSeconds(5);

  private final Parts parts;

  ClaimRoute(Parts parts) {
    this.parts = parts;
  }

  @Override
  public void configure() {
    from("redis-bell:waybill:ready:vip,waybill:ready?concurrentConsumers={{waybill.workers}}")
        .routeId(CLAIM_JOB)
        .routeConfigurationId(ErrorHandling.STORES)
        .description("Claims a job that is ready and takes it through the stages that remain")
        .removeHeaders("*")
        .process(this::claim)
        .id("claim-in-ledger")
        .process(this::refusePoison)
        .id("refuse-poison")
        .filter(exchangeProperty(ExchangeProperties.FLIGHT).isNotNull())
        .routingSlip(method(this, "itinerary"))
        .id("remaining-stages")
        .end();
  }

  /** One claim in the ledger decides; a ring that was doubled, or came late, ends here. */
  private void claim(Exchange exchange) {
    long taskId = exchange.getMessage().getBody(Long.class);
    if (!parts.flights().reserve(taskId)) {
      return;
    }
    Optional<Flight> claimed = Optional.empty();
    try {
      claimed = parts.ledger().claim(taskId, parts.lease().worker());
    } finally {
      if (claimed.isEmpty()) {
        parts.flights().release(taskId);
      }
    }
    claimed.ifPresent(
        flight -> {
          String owner = flight.worker();
          flight.heldWhile(
              () -> parts.lease().isValid() && parts.lease().worker().id().equals(owner));
          parts.flights().add(flight);
          exchange.setProperty(ExchangeProperties.FLIGHT, flight);
          exchange.getExchangeExtension().addOnCompletion(new Landing(flight));
        });
  }

  /** A job that takes its workers down with it must not go round for ever. */
  private void refusePoison(Exchange exchange) throws Permanent {
    Flight flight = ExchangeProperties.flight(exchange);
    if (flight != null && flight.crashes() >= parts.settings().recovery().maxCrashes()) {
      throw new Permanent(
          flight.crashes() + " workers died with this job in hand: it is not tried again");
    }
  }

  /** Where the job still has to go. Read by the routing slip. */
  public String itinerary(Exchange exchange) {
    return ExchangeProperties.flight(exchange).stage().remainingWork().stream()
        .map(RouteNames::direct)
        .collect(Collectors.joining(","));
  }

  /** However a job leaves this worker: if neither done nor dead, it goes back to the ledger. */
  private final class Landing implements Synchronization {
    private final Flight flight;

    Landing(Flight flight) {
      this.flight = flight;
    }

    @Override
    public void onComplete(Exchange exchange) {
      land();
    }

    @Override
    public void onFailure(Exchange exchange) {
      land();
    }

    /**
     * Not only after failures: a failure while stopping is past every retry and dead letter, and
     * Camel may let an exchange end well whose last steps it has skipped. Neither may leave the job
     * in nobody's hands.
     */
    private void land() {
      try {
        if (!flight.landed()) {
          parts.handBack(flight, parts.flights().stopping() ? Duration.ZERO : UNEXPECTED);
        }
      } catch (LedgerAway e) {
        LOG.warn(
            "Task {} could not be handed back; it is free when the lease ends", flight.taskId());
      } finally {
        parts.flights().remove(flight);
      }
    }
  }
}
