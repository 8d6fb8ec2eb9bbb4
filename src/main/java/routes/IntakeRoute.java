package routes;

import static routes.RouteNames.REJECT_PAYLOAD;
import static routes.RouteNames.TAKE_PAYLOAD;
import static routes.RouteNames.direct;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.apache.camel.AggregationStrategy;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.jackson.JacksonDataFormat;
import org.apache.camel.processor.aggregate.UseOriginalAggregationStrategy;
import routes.job.Job;
import routes.job.Payload;
import routes.job.Rejected;
import routes.ledger.Entered;
import routes.ledger.Ledger;
import routes.monitoring.Event;

/**
 * Takes payloads off the inboxes and enters them in the ledger; what cannot be a job is set aside
 * with its reason.
 */
final class IntakeRoute extends RouteBuilder {
  /** String: the payload as it came. */
  private static final String RAW = "waybill.payload";

  /** List of {@link Job}: those of one round trip, to be entered together. */
  private static final String JOBS = "waybill.jobs";

  /**
   * What was set aside has been dealt with; whatever else stops one of them sends all back. The
   * exchange goes on as it was.
   */
  private static final AggregationStrategy EACH = new UseOriginalAggregationStrategy(true);

  private final Parts parts;
  private final Payload payloads;

  IntakeRoute(Parts parts) {
    this.parts = parts;
    this.payloads = new Payload(parts.settings().queue().allowedHosts());
  }

  @Override
  public void configure() {
    from("redis-list:{{waybill.queue.vip-inbox}},{{waybill.queue.inbox}}"
            + "?concurrentConsumers={{waybill.queue.intake-consumers}}")
        .routeId(TAKE_PAYLOAD)
        .autoStartup(parts.settings().bullmq().lists())
        .routeConfigurationId(ErrorHandling.PAYLOADS)
        .description("Takes payloads off the inboxes and enters them in the ledger")
        .removeHeaders("*")
        .setProperty(JOBS, ArrayList::new)
        .split(body(), EACH)
        .process(this::decode)
        .id("decode-payload")
        .unmarshal(new JacksonDataFormat(Payload.strictMapper(), JsonNode.class))
        .id("parse-payload")
        .process(this::check)
        .id("check-payload")
        .end()
        .process(this::enter)
        .id("enter-ledger")
        .split(body(), EACH)
        .process(this::refuse)
        .id("refuse-job")
        .end();

    from(direct(REJECT_PAYLOAD))
        .routeId(REJECT_PAYLOAD)
        .routeConfigurationId(ErrorHandling.STORES)
        .description("Sets aside what cannot be a job, and tells the shop where its task is known")
        .process(this::markFailed)
        .id("mark-rejected")
        .process(this::setAside)
        .id("set-aside");
  }

  private void decode(Exchange exchange) throws Rejected {
    byte[] bytes = exchange.getMessage().getBody(byte[].class);
    exchange.setProperty(RAW, new String(bytes, StandardCharsets.UTF_8));
    int most = parts.settings().queue().payloadMax();
    if (bytes.length > most) {
      throw Rejected.unreadable("payload: expected at most " + most + " bytes, found more");
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      exchange.getMessage().setBody(text);
    } catch (CharacterCodingException e) {
      throw Rejected.unreadable("payload: expected UTF-8, found bytes that are not");
    }
  }

  private void check(Exchange exchange) throws Rejected {
    boolean vip =
        parts
            .settings()
            .queue()
            .vipInbox()
            .equals(exchange.getProperty(ExchangeProperties.INBOX, String.class));
    JsonNode json = exchange.getMessage().getBody(JsonNode.class);
    jobs(exchange).add(payloads.read(json, exchange.getProperty(RAW, String.class), vip));
  }

  /** All at once; the body is then those that the shop's row speaks against. */
  private void enter(Exchange exchange) {
    List<Entered> refused = new ArrayList<>();
    List<Ledger.Unrung> ready = new ArrayList<>();
    for (Entered entered : parts.admission().enter(jobs(exchange))) {
      Job job = entered.job();
      switch (entered.outcome()) {
        case READY -> {
          tell(Event.RECEIVED, entered, job.vip() ? "vip" : null);
          tell(Event.ENROLLED, entered, null);
          ready.add(parts.bell().now(job.taskId(), job.vip()));
        }
        case WAITING -> {
          tell(Event.RECEIVED, entered, job.vip() ? "vip" : null);
          tell(Event.WAITING, entered, null);
        }
        case DUPLICATE, DELIVERED -> tell(Event.DUPLICATE, entered, null);
        case REJECTED -> refused.add(entered);
      }
    }
    parts.bell().ring(ready);
    exchange.getMessage().setBody(refused);
  }

  private void tell(Event event, Entered entered, String detail) {
    parts.events().tell(event, entered.job().taskId(), entered.orderId(), null, null, detail);
  }

  private void refuse(Exchange exchange) throws Rejected {
    Entered entered = exchange.getMessage().getBody(Entered.class);
    exchange.setProperty(RAW, entered.job().payload());
    throw entered.rejected();
  }

  /** What this exchange has brought, as far as it can be read. */
  @SuppressWarnings("unchecked")
  private static List<Job> jobs(Exchange exchange) {
    return exchange.getProperty(JOBS, List.class);
  }

  private void markFailed(Exchange exchange) {
    Rejected rejected = rejection(exchange);
    if (rejected.markFailed()) {
      parts
          .admission()
          .failShopRow(
              rejected.taskId().getAsLong(),
              parts.errorReport().write(TAKE_PAYLOAD, rejected.getMessage()));
    }
  }

  private void setAside(Exchange exchange) {
    Rejected rejected = rejection(exchange);
    parts.rejected().add(exchange.getProperty(RAW, "", String.class), rejected.getMessage());
    OptionalLong taskId = rejected.taskId();
    parts
        .events()
        .tell(
            Event.REJECTED,
            taskId.isPresent() ? taskId.getAsLong() : null,
            null,
            null,
            null,
            rejected.getMessage());
  }

  /** Whatever stopped a payload, as a rejection with a reason that shows nothing of it. */
  private static Rejected rejection(Exchange exchange) {
    Exception caught = exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
    if (caught instanceof Rejected rejected) {
      return rejected;
    }
    if (caught instanceof JsonProcessingException json) {
      return Rejected.unreadable(
          "payload: expected one JSON object, found malformed JSON at character "
              + (json.getLocation() == null ? "?" : json.getLocation().getColumnNr()));
    }
    return Rejected.unreadable(
        "payload: cannot be read (" + caught.getClass().getSimpleName() + ")");
  }
}
