package routes;

import static routes.ExchangeProperties.flight;
import static routes.RouteNames.BURY_JOB;
import static routes.RouteNames.CLEAN_UP;
import static routes.RouteNames.DOWNLOAD;
import static routes.RouteNames.POST_WEBHOOK;
import static routes.RouteNames.REJECT_PAYLOAD;
import static routes.RouteNames.UPLOAD;
import static routes.RouteNames.direct;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.time.Duration;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.LoggingLevel;
import org.apache.camel.builder.RouteConfigurationBuilder;
import org.apache.camel.processor.errorhandler.RedeliveryPolicy;
import org.apache.camel.util.ObjectHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.exceptions.JedisException;
import routes.command.ExitCode;
import routes.job.FilesElsewhere;
import routes.job.Flight;
import routes.job.HandedBack;
import routes.job.Held;
import routes.job.JobLost;
import routes.job.Permanent;
import routes.job.Rejected;
import routes.job.Transient;
import routes.ledger.LedgerAway;
import routes.monitoring.Event;
import routes.settings.Settings;

/**
 * The one owner of "try again?". A stage that fails is tried again by its own policy, or waits in
 * the ledger while the stage is held back for all; then its job goes to the dead-letter channel; a
 * database or a Redis that is away is waited for and uses up no try. Nothing else in Waybill
 * retries.
 */
final class ErrorHandling extends RouteConfigurationBuilder {
  /** For the intake: what cannot be a job is set aside, everything else is waited for. */
  static final String PAYLOADS = "payloads";

  /** For steps that need a store and nothing else. */
  static final String STORES = "stores";

  /** For timers and subscriptions: the next tick is the next try. */
  static final String TICKS = "ticks";

  /** For messages to people: tried a few times, then the log and the event have to do. */
  static final String ALERTS = "alerts";

  private static final Logger LOG = LoggerFactory.getLogger(ErrorHandling.class);

  /** Route of a stage, and the name its settings have. */
  static final Map<String, String> STAGES =
      Map.of(DOWNLOAD, "download", UPLOAD, "upload", POST_WEBHOOK, "webhook", CLEAN_UP, "cleanup");

  private static final Map<String, Event> ERRORS =
      Map.of(
          DOWNLOAD, Event.DOWNLOAD_ERROR,
          UPLOAD, Event.UPLOAD_ERROR,
          POST_WEBHOOK, Event.WEBHOOK_ERROR);

  private final Parts parts;

  ErrorHandling(Parts parts) {
    this.parts = parts;
  }

  @Override
  public void configuration() {
    STAGES.forEach(
        (stage, key) ->
            routeConfiguration(stage)
                .onException(HandedBack.class)
                .handled(true)
                .process(this::handBack)
                .end()
                .onException(JobLost.class)
                .handled(true)
                .process(this::drop)
                .end()
                .onException(Held.class)
                .handled(true)
                .process(this::park)
                .end()
                .onException(FilesElsewhere.class)
                .handled(true)
                .process(this::startOver)
                .end()
                .onException(LedgerAway.class)
                .onExceptionOccurred(this::restIfOurs)
                .onRedelivery(this::wakeIfOurs)
                .handled(false)
                .redeliveryPolicyRef("untilBack")
                .end()
                .onException(Permanent.class)
                .onExceptionOccurred(this::noteFailure)
                .redeliveryPolicyRef("never")
                .handled(true)
                .to(direct(BURY_JOB))
                .end()
                .onException(Exception.class)
                .onExceptionOccurred(this::noteFailure)
                .retryWhile(exchange -> mayRetryHere(flight(exchange), retry(key)))
                .redeliveryPolicyRef(key + "Retry")
                .onRedelivery(this::noteRetry)
                .handled(true)
                .to(direct(BURY_JOB))
                .end());

    routeConfiguration(STORES)
        .onException(Permanent.class)
        .redeliveryPolicyRef("never")
        .handled(true)
        .to(direct(BURY_JOB))
        .end()
        .onException(JobLost.class)
        .handled(true)
        .process(this::drop)
        .end()
        .onException(HandedBack.class)
        .handled(true)
        .process(this::handBack)
        .end()
        .onException(LedgerAway.class, JedisException.class)
        .onExceptionOccurred(this::restIfOurs)
        .onRedelivery(this::wakeIfOurs)
        .handled(false)
        .redeliveryPolicyRef("untilBack")
        .end();

    routeConfiguration(PAYLOADS)
        .onException(Rejected.class, JsonProcessingException.class)
        .redeliveryPolicyRef("never")
        .handled(true)
        .to(direct(REJECT_PAYLOAD))
        .end()
        .onException(HandedBack.class)
        .redeliveryPolicyRef("never")
        .handled(false)
        .end()
        // A message that is nobody's fault waits, whatever is wrong with the stores.
        .onException(Exception.class)
        .handled(false)
        .redeliveryPolicyRef("untilBack")
        .end();

    routeConfiguration(ALERTS)
        .onException(Exception.class)
        .redeliveryPolicyRef("aFewTimes")
        .handled(true)
        .process(this::logTick)
        .end();

    routeConfiguration(TICKS)
        .onException(Exception.class)
        .redeliveryPolicyRef("never")
        .handled(true)
        .process(this::logTick)
        .end();
  }

  /** The policies, by the names that the configurations refer to. */
  static Map<String, RedeliveryPolicy> policies(Settings settings) {
    Map<String, RedeliveryPolicy> policies = new java.util.TreeMap<>();
    settings.retries().forEach((key, retry) -> policies.put(key + "Retry", ladder(retry)));
    RedeliveryPolicy untilBack = policy(Duration.ofMillis(250), Duration.ofSeconds(10));
    untilBack.setMaximumRedeliveries(-1);
    untilBack.setRetryAttemptedLogLevel(LoggingLevel.WARN);
    untilBack.setLogRetryAttempted(true);
    policies.put("untilBack", untilBack);
    RedeliveryPolicy aFewTimes = policy(Duration.ofMillis(500), Duration.ofSeconds(5));
    aFewTimes.setMaximumRedeliveries(2);
    policies.put("aFewTimes", aFewTimes);
    RedeliveryPolicy never = policy(Duration.ZERO, Duration.ZERO);
    never.setMaximumRedeliveries(0);
    policies.put("never", never);
    return policies;
  }

  private static RedeliveryPolicy ladder(Settings.Retry retry) {
    RedeliveryPolicy policy = policy(retry.delay(), retry.maxDelay());
    policy.setMaximumRedeliveries(retry.tries() - 1);
    policy.useCollisionAvoidance();
    return policy;
  }

  private static RedeliveryPolicy policy(Duration delay, Duration longest) {
    RedeliveryPolicy policy = new RedeliveryPolicy();
    policy.setRedeliveryDelay(delay.toMillis());
    policy.setMaximumRedeliveryDelay(longest.toMillis());
    policy.setUseExponentialBackOff(true);
    policy.setBackOffMultiplier(2);
    policy.setAllowRedeliveryWhileStopping(false);
    policy.setLogRetryAttempted(false);
    policy.setLogExhausted(false);
    policy.setLogStackTrace(false);
    policy.setLogExhaustedMessageHistory(false);
    return policy;
  }

  /**
   * Every failed try: counted, written down, told; a pause that the other side asked for is kept.
   */
  private void noteFailure(Exchange exchange) {
    Flight flight = flight(exchange);
    Exception failure = exchange.getException();
    String stage = BurialRoute.work(flight);
    if (parts.flights().stopping()) {
      // Whoever stops us may have signalled the program too: the job goes back with its tries as
      // they were.
      LOG.info("Task {}: {} failed while stopping: {}", flight.taskId(), stage, failure.toString());
      rest(flight);
      return;
    }
    if (flight.probing() && !parts.holds().isHeld(stage)) {
      // Another one has tried meanwhile, and it works again: this failure is the job's own.
      flight.probeIsOver();
    }
    flight.countFailure();
    String reason = parts.errorReport().reason(failure);
    if (ERRORS.containsKey(stage)) {
      ExitCode exit = ObjectHelper.getException(ExitCode.class, failure);
      Integer exitCode = exit == null ? null : exit.value();
      parts.events().tellFailure(ERRORS.get(stage), flight, stage, exitCode, reason);
      holdBack(flight, stage, failure, reason);
    }
    LOG.warn("Task {}: try {} of {} failed: {}", flight.taskId(), flight.attempts(), stage, reason);
    parts.programs().header(flight, stage + " try " + flight.attempts() + " failed: " + reason);
    try {
      parts.ledger().tryFailed(flight, reason);
    } catch (LedgerAway e) {
      LOG.warn("Task {}: the failed try could not be written down", flight.taskId());
    } catch (JobLost e) {
      flight.stop(Flight.Stop.LOST);
    }
    rest(flight);
  }

  /** What the outside's failure, or its wish to be left alone, means for everybody's jobs. */
  private void holdBack(Flight flight, String stage, Exception failure, String reason) {
    try {
      if (failure instanceof Transient passing && passing.notBefore().isPresent()) {
        // A quota may last for a day: one upload tries whether it is over, at no cost to its job.
        parts.holds().hold(stage, passing.notBefore().get(), reason, stage.equals(UPLOAD));
        LOG.warn("{} is held back for {}: {}", stage, passing.notBefore().get(), reason);
      } else if (ObjectHelper.getException(Permanent.class, failure) == null) {
        parts.breakers().failed(flight, stage, reason);
      }
    } catch (LedgerAway e) {
      LOG.warn("{} could not be held back", stage);
    }
  }

  /** Not while its stage is held back: the job waits in the ledger then, and not in its slot. */
  private boolean mayRetryHere(Flight flight, Settings.Retry retry) {
    return flight.attempts() < retry.tries()
        && !flight.probing()
        && !parts.holds().isHeld(BurialRoute.work(flight));
  }

  private void park(Exchange exchange) {
    Held held = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Held.class);
    parts.park(flight(exchange), held.what());
  }

  private void noteRetry(Exchange exchange) {
    Flight flight = flight(exchange);
    flight.resting(false);
    String stage = BurialRoute.work(flight);
    parts
        .events()
        .tell(
            Event.RETRY,
            flight,
            stage,
            "try " + (flight.attempts() + 1) + " of " + retry(STAGES.get(stage)).tries());
  }

  private void restIfOurs(Exchange exchange) {
    if (flight(exchange) != null) {
      rest(flight(exchange));
    }
  }

  private void wakeIfOurs(Exchange exchange) {
    if (flight(exchange) != null) {
      flight(exchange).resting(false);
    }
  }

  /** Nothing runs between two tries: a stop needs not wait for it. */
  private void rest(Flight flight) {
    flight.resting(true);
    if (parts.flights().stopping()) {
      flight.stopIfResting();
    }
  }

  private void handBack(Exchange exchange) {
    parts.handBack(flight(exchange), Duration.ZERO);
  }

  /** The files are where the last worker was; what is left of them here is nothing. */
  private void startOver(Exchange exchange) {
    Flight flight = flight(exchange);
    Exception cause = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
    parts.ledger().startOver(flight);
    parts.bell().ring(flight.taskId(), flight.vip());
    parts
        .events()
        .tell(Event.RECOVERED, flight, UPLOAD, cause.getMessage() + "; it is downloaded anew");
  }

  private void drop(Exchange exchange) {
    flight(exchange).land();
    LOG.warn(
        "Task {} is no longer this worker's: dropped without a word", flight(exchange).taskId());
  }

  private void logTick(Exchange exchange) {
    Exception failure = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
    parts.tickFailures().tell(exchange.getFromRouteId(), failure);
  }

  private Settings.Retry retry(String key) {
    return parts.settings().retries().get(key);
  }
}
