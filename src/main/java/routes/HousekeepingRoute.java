package routes;

import static routes.RouteNames.KEEP_HOUSE;
import static routes.RouteNames.PUBLISH_EVENTS;
import static routes.RouteNames.RENEW_LEASE;

import java.time.Duration;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.monitoring.Event;

/**
 * What has to be done again and again so that nothing is forgotten, and the way of events to Redis.
 */
final class HousekeepingRoute extends RouteBuilder {
  private static final Logger LOG = LoggerFactory.getLogger(HousekeepingRoute.class);

  /** A ring takes a fraction of a second to be heard; a job ready for longer may have lost it. */
  private static final Duration RING_AGAIN_AFTER = Duration.ofSeconds(2);

  private static final int RINGS_A_SWEEP = 1000;

  private final Parts parts;

  HousekeepingRoute(Parts parts) {
    this.parts = parts;
  }

  @Override
  public void configure() {
    long lease = parts.settings().lease().toMillis();
    from("timer:renew-lease?period=" + lease / 3 + "&delay=" + lease / 3)
        .routeId(RENEW_LEASE)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Tells the ledger that this worker is alive")
        .process(exchange -> parts.lease().renew())
        .id("renew");

    from("timer:keep-house?period=2s&delay=0")
        .routeId(KEEP_HOUSE)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description(
            "Takes over from dead workers, rings for forgotten jobs, returns claimed messages")
        .process(this::takeOver)
        .id("take-over")
        .process(this::ringAgain)
        .id("ring-again")
        .process(this::returnClaimed)
        .id("return-claimed");

    // In memory on purpose: an event is news, and what must not be lost is in the ledger.
    from(Parts.EVENTS_QUEUE)
        .routeId(PUBLISH_EVENTS)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Publishes events on the Redis channel")
        .setHeader("CamelRedis.Channel", constant(routes.queue.RedisKeys.EVENTS))
        .setHeader("CamelRedis.Message", body())
        .to(
            "spring-redis:{{waybill.redis.host}}:{{waybill.redis.port}}?command=PUBLISH"
                + "&connectionFactory=#redisConnections&redisTemplate=#redisTemplate")
        .id("publish");
  }

  private void takeOver(Exchange exchange) {
    for (String dead : parts.workers().expired()) {
      if (dead.equals(parts.lease().worker().id())) {
        continue;
      }
      parts.claimed().drain(dead);
      int jobs = parts.workers().takeOver(dead);
      if (jobs >= 0) {
        LOG.warn("Worker {} is silent for longer than its lease: its {} jobs are free", dead, jobs);
        parts.events().tell(Event.RECOVERED, null, null, null, null, jobs + " jobs of " + dead);
      }
    }
    parts.workers().freeOrphanedJobs();
  }

  private void ringAgain(Exchange exchange) {
    parts.bell().ring(parts.ledger().unrung(RING_AGAIN_AFTER, RINGS_A_SWEEP));
  }

  private void returnClaimed(Exchange exchange) {
    parts.claimed().drainLeftovers(parts.lease().worker().id());
  }
}
