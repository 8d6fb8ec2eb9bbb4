package routes;

import static routes.ExchangeProperties.flight;
import static routes.RouteNames.POST_WEBHOOK;
import static routes.RouteNames.SEND_WEBHOOK;
import static routes.RouteNames.direct;

import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import routes.job.Flight;
import routes.job.Stage;
import routes.monitoring.Event;
import routes.webhook.WebhookAnswer;
import routes.webhook.WebhookRequest;

/** Tells the shop, signed, that the delivery is there. */
final class WebhookRoute extends RouteBuilder {
  private final Parts parts;

  WebhookRoute(Parts parts) {
    this.parts = parts;
  }

  @Override
  public void configure() {
    from(direct(POST_WEBHOOK))
        .routeId(POST_WEBHOOK)
        .routeConfigurationId(POST_WEBHOOK)
        .description("Tells the shop, signed, that the delivery is there")
        .process(parts::mayBegin)
        .id("may-notify")
        .to(direct(SEND_WEBHOOK))
        .id("try-webhook")
        .process(this::told)
        .id("tell-notified");

    // One try. The endpoint's host is a placeholder: the request brings the address, the client the
    // limits.
    from(direct(SEND_WEBHOOK))
        .routeId(SEND_WEBHOOK)
        .errorHandler(noErrorHandler())
        .description("One try of the webhook")
        .process(this::prepare)
        .id("prepare-webhook")
        .process(new WebhookRequest(parts.settings().webhook(), parts.clock()))
        .id("sign-webhook")
        .to(
            "http://webhook?throwExceptionOnFailure=false&followRedirects=false"
                + "&httpClientConfigurer=#webhookClient&clientConnectionManager=#webhookConnections"
                + timeouts())
        .id("http-webhook")
        .process(
            new WebhookAnswer(parts.clock(), parts.settings().retries().get("webhook").maxDelay()))
        .id("judge-answer")
        .removeHeaders("*")
        .id("forget-answer");
  }

  /** In milliseconds: this component reads no units. */
  private String timeouts() {
    long connect = parts.settings().webhook().connectTimeout().toMillis();
    long answer = parts.settings().webhook().timeout().toMillis();
    return "&connectTimeout="
        + connect
        + "&connectionRequestTimeout="
        + answer
        + "&responseTimeout="
        + answer;
  }

  private void prepare(Exchange exchange) {
    flight(exchange).startClock();
  }

  /**
   * The ledger hears of it with the clean-up, in one write. A worker that dies in between announces
   * the delivery once more, under the same id.
   */
  private void told(Exchange exchange) {
    Flight flight = flight(exchange);
    flight.reached(Stage.NOTIFIED);
    parts.breakers().succeeded(flight, POST_WEBHOOK);
    parts.events().tell(Event.WEBHOOK_SUCCESS, flight, POST_WEBHOOK, null);
  }
}
