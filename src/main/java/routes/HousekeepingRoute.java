package routes;

import static routes.RouteNames.KEEP_HOUSE;
import static routes.RouteNames.PUBLISH_EVENTS;
import static routes.RouteNames.RECONCILE;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.ledger.Ledger;
import routes.monitoring.Event;
import routes.settings.Settings;

/**
 * What has to be done again and again so that nothing is forgotten, and the way of events to Redis.
 */
final class HousekeepingRoute extends RouteBuilder {
  private static final Logger LOG = LoggerFactory.getLogger(HousekeepingRoute.class);

  /** A ring takes a fraction of a second to be heard; a job ready for longer may have lost it. */
  private static final Duration RING_AGAIN_AFTER = Duration.ofSeconds(2);

  private static final int RINGS_A_SWEEP = 1000;
  private static final int UNSEEN_A_SWEEP = 100;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Parts parts;

  HousekeepingRoute(Parts parts) {
    this.parts = parts;
  }

  @Override
  public void configure() {
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

    from("timer:reconcile?period=30s&delay=5s")
        .routeId(RECONCILE)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Looks for what everybody has forgotten: messages, sandboxes, tasks")
        .process(this::returnForgotten)
        .id("return-forgotten")
        .process(exchange -> parts.sandboxes().sweep())
        .id("sweep-sandboxes")
        .process(this::takeInUnseen)
        .id("take-in-unseen");

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
    if (!parts.lease().mayTakeOver()) {
      return;
    }
    for (String dead : parts.workers().expired()) {
      if (dead.equals(parts.lease().worker().id())) {
        continue;
      }
      parts.claimed().drain(dead);
      parts.workers().takeOver(dead).ifPresent(jobs -> free(dead, jobs));
    }
    parts.workers().freeOrphanedJobs();
  }

  private void free(String dead, List<Ledger.Unrung> jobs) {
    LOG.warn(
        "Worker {} is silent for longer than its lease: its {} jobs are free", dead, jobs.size());
    parts.events().tell(Event.RECOVERED, null, null, null, null, jobs.size() + " jobs of " + dead);
    parts.bell().ring(jobs);
  }

  private void ringAgain(Exchange exchange) {
    parts.bell().ring(parts.ledger().unrung(RING_AGAIN_AFTER, RINGS_A_SWEEP));
  }

  private void returnForgotten(Exchange exchange) {
    parts.workers().gone().forEach(parts.claimed()::drain);
  }

  /** They take the way of every payload, so that nothing is checked twice or not at all. */
  private void takeInUnseen(Exchange exchange) throws JsonProcessingException {
    Settings.Recovery recovery = parts.settings().recovery();
    if (!recovery.unseen()) {
      return;
    }
    for (Ledger.Unseen task : parts.ledger().unseen(recovery.unseenAfter(), UNSEEN_A_SWEEP)) {
      Map<String, Object> payload = new LinkedHashMap<>();
      payload.put("taskId", task.taskId());
      payload.put("email", task.email());
      payload.put("courseUrl", task.courseUrl());
      LOG.info("Task {} is enrolled and never came: it is taken in", task.taskId());
      parts.redis().lpush(parts.settings().queue().inbox(), JSON.writeValueAsString(payload));
    }
  }

  private void returnClaimed(Exchange exchange) {
    parts.claimed().drainLeftovers(parts.lease().worker().id());
  }
}
