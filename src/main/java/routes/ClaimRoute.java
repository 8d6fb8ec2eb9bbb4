package routes;

import static routes.RouteNames.CLAIM_JOB;
import static routes.RouteNames.DOWNLOAD;
import static routes.RouteNames.REUSE_DELIVERY;
import static routes.RouteNames.direct;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.spi.Synchronization;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.job.Flight;
import routes.job.Permanent;
import routes.job.Stage;
import routes.ledger.Ledger;
import routes.ledger.LedgerAway;
import routes.settings.Flow;

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
    from("redis-bell:ready?concurrentConsumers={{waybill.workers}}")
        .routeId(CLAIM_JOB)
        .routeConfigurationId(ErrorHandling.STORES)
        .description("Claims a job that is ready and takes it through the stages that remain")
        .removeHeaders("*")
        .process(this::claim)
        .id("claim-in-ledger")
        .process(this::refusePoison)
        .id("refuse-poison")
        .filter(exchangeProperty(ExchangeProperties.FLIGHT).isNotNull())
        .dynamicRouter(method(this, "next"))
        .id("remaining-stages")
        .end();
  }

  /** One claim in the ledger decides; a ring that was doubled, or came late, ends here. */
  private void claim(Exchange exchange) {
    long taskId = exchange.getMessage().getBody(Long.class);
    if (!parts.flights().reserve(taskId)) {
      parts.flights().decided(taskId);
      return;
    }
    Optional<Flight> claimed = Optional.empty();
    try {
      claimed = claimWithinLimits(taskId);
      claimed.ifPresent(parts.flights()::add);
    } finally {
      parts.flights().decided(taskId);
      if (claimed.isEmpty()) {
        parts.flights().release(taskId);
      }
    }
    claimed.ifPresent(
        flight -> {
          String owner = flight.worker();
          flight.heldWhile(
              () -> parts.lease().isValid() && parts.lease().worker().id().equals(owner));
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

  /**
   * One at a time in this process: two claims that see each other would both step back, and five of
   * one course would go on doing so. Between processes that may happen, and the sweep mends it.
   */
  private Optional<Flight> claimWithinLimits(long taskId) {
    Flow.Limits limits = parts.tuning().limits();
    boolean unlimited =
        limits.ofEmail() == Integer.MAX_VALUE
            && limits.ofCourse() == Integer.MAX_VALUE
            && !parts.deliveries().enabled();
    if (unlimited) {
      return parts.ledger().claim(taskId, parts.lease().worker());
    }
    synchronized (this) {
      Optional<Flight> claimed = parts.ledger().claim(taskId, parts.lease().worker());
      Optional<String> wait = claimed.flatMap(flight -> reasonToWait(flight, limits));
      if (wait.isPresent()) {
        park(claimed.get(), wait.get());
        return Optional.empty();
      }
      return claimed;
    }
  }

  private void park(Flight flight, String hold) {
    parts.park(flight, hold);
    boolean waitsForDelivery = hold.equals("course") && parts.deliveries().enabled();
    if (waitsForDelivery
        && parts.tuning().limits().ofCourse() == Integer.MAX_VALUE
        && parts.deliveries().find(flight.courseKey()).isPresent()) {
      // Delivered meanwhile: whoever waited then has been rung for, and this job was not among
      // them.
      parts.bell().ring(flight.taskId(), flight.vip(), flight.stage());
    }
  }

  /** Asked after the claim, so that of two workers at least one sees the other. */
  private Optional<String> reasonToWait(Flight flight, Flow.Limits limits) {
    Ledger ledger = parts.ledger();
    if (limits.ofEmail() < Integer.MAX_VALUE && ledger.runningOfEmail(flight) >= limits.ofEmail()) {
      return Optional.of("email");
    }
    if (limits.ofCourse() < Integer.MAX_VALUE
        && ledger.runningOfCourse(flight) >= limits.ofCourse()) {
      return Optional.of("course");
    }
    boolean fetchedByAnother =
        parts.deliveries().enabled()
            && flight.stage() == Stage.ENROLLED
            && ledger.fetching(flight) > 0
            && parts.deliveries().find(flight.courseKey()).isEmpty();
    return fetchedByAnother ? Optional.of("course") : Optional.empty();
  }

  /**
   * Where the job goes next, asked after each stage; null at its end. Read by the dynamic router.
   */
  public String next(Exchange exchange) {
    Flight flight = ExchangeProperties.flight(exchange);
    List<String> work = flight.stage().remainingWork();
    String last = exchange.getProperty(ExchangeProperties.LAST_WORK, String.class);
    if (flight.landed() || work.isEmpty()) {
      return null;
    }
    String next = work.get(0);
    if (last == null && next.equals(DOWNLOAD) && parts.deliveries().enabled()) {
      next = REUSE_DELIVERY;
    }
    if (next.equals(last)) {
      // Camel skips what is left of a route while it stops: the stage was not reached.
      return null;
    }
    exchange.setProperty(ExchangeProperties.LAST_WORK, next);
    return direct(next);
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
        flight.resting(false);
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
