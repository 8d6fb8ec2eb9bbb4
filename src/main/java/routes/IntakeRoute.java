package routes;

import static routes.RouteNames.REJECT_PAYLOAD;
import static routes.RouteNames.TAKE_PAYLOAD;
import static routes.RouteNames.direct;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.jackson.JacksonDataFormat;
import org.springframework.dao.DataIntegrityViolationException;
import routes.job.Job;
import routes.job.Payload;
import routes.job.Rejected;
import routes.ledger.Entered;
import routes.monitoring.Event;

/**
 * Takes payloads off the inboxes and enters them in the ledger; what cannot be a job is set aside
 * with its reason.
 */
final class IntakeRoute extends RouteBuilder {
  private static final String RAW = "waybill.payload";

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
        .routeConfigurationId(ErrorHandling.PAYLOADS)
        .description("Takes payloads off the inboxes and enters them in the ledger")
        .removeHeaders("*")
        .process(this::decode)
        .id("decode-payload")
        .unmarshal(new JacksonDataFormat(Payload.strictMapper(), JsonNode.class))
        .id("parse-payload")
        .process(this::check)
        .id("check-payload")
        .process(this::enter)
        .id("enter-ledger");

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
    exchange.setProperty(
        ExchangeProperties.JOB, payloads.read(json, exchange.getProperty(RAW, String.class), vip));
  }

  private void enter(Exchange exchange) throws Rejected {
    Job job = ExchangeProperties.job(exchange);
    Entered entered = parts.ledger().enter(job);
    String order = entered.orderId();
    if (entered.outcome() == Entered.Outcome.DUPLICATE) {
      parts.events().tell(Event.DUPLICATE, job.taskId(), order, null, null, null);
      return;
    }
    parts.events().tell(Event.RECEIVED, job.taskId(), order, null, null, job.vip() ? "vip" : null);
    if (entered.outcome() == Entered.Outcome.READY) {
      parts.events().tell(Event.ENROLLED, job.taskId(), order, null, null, null);
      parts.bell().ring(job.taskId(), job.vip());
    } else {
      parts.events().tell(Event.WAITING, job.taskId(), order, null, null, null);
    }
  }

  private void markFailed(Exchange exchange) {
    Rejected rejected = rejection(exchange);
    if (rejected.markFailed()) {
      parts
          .ledger()
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
    Job job = ExchangeProperties.job(exchange);
    if (job != null && caught instanceof DataIntegrityViolationException) {
      return Rejected.failing(job.taskId(), "The ledger's tables cannot hold it");
    }
    return Rejected.unreadable(
        "payload: cannot be read (" + caught.getClass().getSimpleName() + ")");
  }
}
