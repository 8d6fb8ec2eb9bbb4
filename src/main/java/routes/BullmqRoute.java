package routes;

import static routes.RouteNames.SWEEP_BULLMQ;
import static routes.RouteNames.TAKE_BULLMQ;
import static routes.RouteNames.TELL_BULLMQ;

import org.apache.camel.builder.RouteBuilder;
import routes.queue.BullLocks;

/**
 * The shop's own BullMQ queue, worked as a BullMQ worker does: its jobs are entered in the ledger,
 * and the queue is told what becomes of them.
 */
final class BullmqRoute extends RouteBuilder {
  private final Parts parts;

  BullmqRoute(Parts parts) {
    this.parts = parts;
  }

  @Override
  public void configure() {
    from("bullmq:{{waybill.bullmq.queue}}?prefix={{waybill.bullmq.prefix}}&manual=true&name="
            + BullLocks.NAME
            + "&lockDuration={{waybill.bullmq.lock-duration}}"
            + "&lockRenewTime={{waybill.bullmq.lock-renew-time}}"
            + "&stalledInterval={{waybill.bullmq.stalled-interval}}"
            + "&maxStalledCount={{waybill.bullmq.max-stalled-count}}"
            + "&drainDelay={{waybill.bullmq.drain-delay}}"
            + "&limiterMax={{waybill.bullmq.limiter.max}}"
            + "&limiterDuration={{waybill.bullmq.limiter.duration}}")
        .routeId(TAKE_BULLMQ)
        .routeConfigurationId(ErrorHandling.PAYLOADS)
        .description("Takes jobs of the BullMQ queue and enters them in the ledger")
        .removeHeaders("*")
        .process(new BullIntake(parts)::enter)
        .id("enter-bullmq");

    from("timer:tell-bullmq?period=100&delay=0")
        .routeId(TELL_BULLMQ)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Tells the BullMQ queue what has happened since the last tick")
        .process(exchange -> parts.bullmq().tellChanges())
        .id("tell-changes");

    from("timer:sweep-bullmq?period=2s&delay=0")
        .routeId(SWEEP_BULLMQ)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Tells the BullMQ queue what was missed")
        .process(exchange -> parts.bullmq().tellMissed())
        .id("tell-missed");
  }
}
