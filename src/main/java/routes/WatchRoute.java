package routes;

import static routes.RouteNames.FIND_PROGRAMS;
import static routes.RouteNames.POST_ALERT;
import static routes.RouteNames.WATCH;
import static routes.RouteNames.direct;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.builder.RouteBuilder;
import routes.monitoring.Alerts;

/** Looks at the worker and at what it depends on, and says so when a person is needed. */
final class WatchRoute extends RouteBuilder {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Parts parts;

  WatchRoute(Parts parts) {
    this.parts = parts;
  }

  @Override
  public void configure() {
    Optional<URI> chat = parts.settings().watching().url();

    from("timer:watch?period={{waybill.watch.period}}&delay=0")
        .routeId(WATCH)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Counts, looks at the stores, and raises and ends alerts")
        .process(this::look)
        .id("look")
        .process(exchange -> exchange.getMessage().setBody(parts.alerts().judge()))
        .id("judge")
        .filter(exchange -> chat.isPresent())
        .split(body())
        .to(direct(POST_ALERT))
        .id("post-each")
        .end()
        .end();

    from(direct(POST_ALERT))
        .routeId(POST_ALERT)
        .routeConfigurationId(ErrorHandling.ALERTS)
        .description("Posts an alert to the chat that the settings name")
        .process(exchange -> write(exchange, chat.orElseThrow()))
        .id("write-alert")
        .to(
            "http://alert?followRedirects=false&httpClientConfigurer=#webhookClient"
                + "&connectTimeout=5000&connectionRequestTimeout=5000&responseTimeout=10000")
        .id("http-alert");

    from("timer:find-programs?period=60s&delay=0")
        .routeId(FIND_PROGRAMS)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Looks whether the downloader and the remote are there")
        .process(exchange -> parts.watch().lookForPrograms())
        .id("look-for-programs");
  }

  /** A store that is away is what the alerts and readiness have to hear of. */
  private void look(Exchange exchange) {
    try {
      parts.watch().look();
    } catch (RuntimeException e) {
      parts.tickFailures().tell(WATCH, e);
    }
  }

  private static void write(Exchange exchange, URI chat) throws JsonProcessingException {
    Message message = exchange.getMessage();
    Alerts.Told told = message.getBody(Alerts.Told.class);
    message.removeHeaders("*");
    // As with the webhook: the address may hold a token, and endpoints are shown on JMX.
    message.setHeader(Exchange.HTTP_URI, chat.toString());
    message.setHeader(Exchange.HTTP_METHOD, "POST");
    message.setHeader(Exchange.CONTENT_TYPE, "application/json");
    message.setBody(JSON.writeValueAsBytes(Map.of("text", told.text())));
  }
}
