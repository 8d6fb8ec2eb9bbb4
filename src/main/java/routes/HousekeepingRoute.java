package routes;

import static routes.RouteNames.KEEP_HOUSE;
import static routes.RouteNames.PUBLISH_EVENTS;
import static routes.RouteNames.RECONCILE;
import static routes.RouteNames.RECORD_HISTORY;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.job.Flight;
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
  private Set<Ledger.Stray> strays = Set.of();

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
        .process(exchange -> parts.holds().refresh())
        .id("look-at-holds")
        .process(this::takeOver)
        .id("take-over")
        .process(this::compareWithLedger)
        .id("compare-with-ledger")
        .process(this::ringAgain)
        .id("ring-again")
        .process(this::returnClaimed)
        .id("return-claimed");

    from("timer:reconcile?period=30s&delay=5s")
        .routeId(RECONCILE)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Looks for what everybody has forgotten: messages, programs, sandboxes, tasks")
        .process(this::returnForgotten)
        .id("return-forgotten")
        .process(exchange -> parts.strays().end())
        .id("end-strays")
        .process(exchange -> parts.sandboxes().sweep())
        .id("sweep-sandboxes")
        .process(this::takeInUnseen)
        .id("take-in-unseen")
        .process(exchange -> forgetTheOld())
        .id("forget-history")
        .process(exchange -> parts.breakers().endUnneeded())
        .id("end-unneeded-holds");

    from("timer:publish-events?period=50&delay=0")
        .routeId(PUBLISH_EVENTS)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Publishes on the Redis channel what has happened since the last tick")
        .process(exchange -> parts.news().publish())
        .id("publish");

    from("timer:record-history?period=250&delay=0")
        .routeId(RECORD_HISTORY)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Writes down what did not go straight, for whoever asks why")
        .process(exchange -> parts.history().flush())
        .id("write-history");
  }

  private void forgetTheOld() {
    parts.history().forgetTheOld();
    if (parts.settings().bullmq().enabled()) {
      parts.bullmq().forgetTheOld();
    }
  }

  private void takeOver(Exchange exchange) {
    if (!parts.lease().mayTakeOver()) {
      return;
    }
    List<String> struck = new ArrayList<>();
    for (String silent : parts.workers().expired()) {
      if (!silent.equals(parts.lease().worker().id())) {
        parts
            .workers()
            .takeOver(silent)
            .ifPresent(
                jobs -> {
                  free(silent, jobs);
                  struck.add(silent);
                });
      }
    }
    parts.workers().freeOrphanedJobs();
    // Last: a Redis that is away must not keep the jobs waiting. Its messages are looked for again.
    struck.forEach(parts.claimed()::drain);
  }

  private void free(String dead, List<Ledger.Unrung> jobs) {
    LOG.warn(
        "Worker {} is silent for longer than its lease: its {} jobs are free", dead, jobs.size());
    parts.events().tell(Event.RECOVERED, null, null, null, null, jobs.size() + " jobs of " + dead);
    parts.bell().ring(jobs);
  }

  /**
   * Jobs that are in this worker's hands and no longer its own, and jobs that are this worker's in
   * the ledger and in nobody's hands: the answer to a claim, or the way back, was lost with the
   * database. Twice in a row, since a claim may be on its way.
   */
  private void compareWithLedger(Exchange exchange) {
    List<Flight> inHand = List.copyOf(parts.flights().all());
    Set<Ledger.Stray> found = new HashSet<>(parts.ledger().heldBy(parts.lease().worker()));
    for (Flight flight : inHand) {
      // Cancelled, or somebody else's by now: its programs are ended, nothing is written.
      if (!found.contains(new Ledger.Stray(flight.taskId(), flight.token()))) {
        flight.stop(Flight.Stop.LOST);
      }
    }
    found.removeIf(stray -> parts.flights().isReserved(stray.taskId()));
    for (Ledger.Stray stray : found) {
      if (strays.contains(stray) && parts.ledger().handBack(stray)) {
        LOG.warn("Task {} was in nobody's hands: it is handed back", stray.taskId());
      }
    }
    strays = found;
  }

  private void ringAgain(Exchange exchange) {
    parts.bell().ring(parts.ledger().unrung(RING_AGAIN_AFTER, parts.mayDownload(), RINGS_A_SWEEP));
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
