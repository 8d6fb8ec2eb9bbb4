package routes.webhook;

import static routes.ExchangeProperties.flight;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Processor;
import org.apache.camel.component.http.HttpMethods;
import routes.job.Flight;
import routes.settings.Settings;

/** Writes the announcement of a delivery, and signs the very bytes that are sent. */
public final class WebhookRequest implements Processor {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Settings.Webhook settings;
  private final Clock clock;

  public WebhookRequest(Settings.Webhook settings, Clock clock) {
    this.settings = settings;
    this.clock = clock;
  }

  @Override
  public void process(Exchange exchange) throws JsonProcessingException {
    Flight flight = flight(exchange);
    flight.checkStop();
    String timestamp = String.valueOf(clock.instant().getEpochSecond());
    byte[] body = body(flight, timestamp);

    Message message = exchange.getMessage();
    message.removeHeaders("*");
    // The address is given here and not in the endpoint, whose URI everybody on JMX can read.
    message.setHeader(Exchange.HTTP_URI, settings.url().toString());
    message.setHeader(Exchange.HTTP_METHOD, HttpMethods.POST);
    message.setHeader(Exchange.CONTENT_TYPE, "application/json");
    message.setHeader("X-Timestamp", timestamp);
    message.setHeader(
        "X-Signature",
        Signature.simple(settings.secret(), flight.taskId(), flight.folder(), timestamp));
    message.setHeader("Idempotency-Key", flight.deliveryId());
    message.setHeader("webhook-id", flight.deliveryId());
    if (!settings.signingSecrets().isEmpty()) {
      message.setHeader("webhook-timestamp", timestamp);
      message.setHeader(
          "webhook-signature",
          Signature.standard(settings.signingSecrets(), flight.deliveryId(), timestamp, body));
    }
    message.setBody(body);
  }

  private byte[] body(Flight flight, String timestamp) throws JsonProcessingException {
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("secret_key", settings.secret());
    body.put("task_id", flight.taskId());
    body.put("folder_name", flight.folder());
    body.put("timestamp", timestamp);
    return JSON.writeValueAsString(body).getBytes(StandardCharsets.UTF_8);
  }
}
