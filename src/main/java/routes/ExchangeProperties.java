package routes;

import org.apache.camel.Exchange;
import routes.job.Flight;

/**
 * Everything that travels with an exchange beside its body. Nothing from outside ever becomes a
 * header.
 */
public final class ExchangeProperties {
  /** String: the list a payload came from. Set by redis-list, read by the intake. */
  public static final String INBOX = "waybill.inbox";

  /** {@link Flight}: the claimed job. Set by the claim, read by every stage. */
  public static final String FLIGHT = "waybill.flight";

  /** Route of the stage that the job has been sent to last. */
  public static final String LAST_WORK = "waybill.last-work";

  /** Spans of the job's trace, if there is one. Set and read by the tracing alone. */
  public static final String TRACE = "waybill.trace";

  /** Whether jobs of a BullMQ queue may be in the ledger. Set and read by their intake alone. */
  public static final String ENTERED = "waybill.entered";

  private ExchangeProperties() {}

  public static Flight flight(Exchange exchange) {
    return exchange.getProperty(FLIGHT, Flight.class);
  }
}
