package routes;

import static routes.RouteNames.FIND_PROGRAMS;
import static routes.RouteNames.POST_ALERT;
import static routes.RouteNames.SEND_ALERT;
import static routes.RouteNames.WATCH;
import static routes.RouteNames.direct;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.builder.RouteBuilder;
import routes.monitoring.Alerts;

/** Looks at the worker and at what it depends on, and says so when a person is needed. */
final class WatchRoute extends RouteBuilder {
  /**
   * A queue in memory, unlike between stages: a chat that does not answer must not hold up the next
   * look, and what is lost with it is in the log and in the events.
   */
  private static final String ALERTS = "seda:post-alert?size=100";

  /** {@link Alerts.Told}: what each try says. */
  private static final String TOLD = "waybill.alert";

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
        .to(ALERTS)
        .id("post-each")
        .end()
        .end();

    // Every stop waits for the poll that is under way; by itself that is a second.
    from(ALERTS + "&purgeWhenStopping=true&pollTimeout=100")
        .routeId(POST_ALERT)
        .routeConfigurationId(ErrorHandling.ALERTS)
        .description("Posts an alert to the chat that the settings name")
        .setProperty(TOLD, body())
        .to(direct(SEND_ALERT))
        .id("try-alert");

    // One try. A failure in it is retried as a whole, by the route above.
    from(direct(SEND_ALERT))
        .routeId(SEND_ALERT)
        .errorHandler(noErrorHandler())
        .description("One try of posting an alert")
        .process(exchange -> write(exchange, chat.orElseThrow()))
        .id("write-alert")
        .to(
            "http://alert?throwExceptionOnFailure=false&followRedirects=false"
                + "&httpClientConfigurer=#alertClient&clientConnectionManager=#alertConnections"
                + "&connectTimeout=5000&connectionRequestTimeout=5000&responseTimeout=5000")
        .id("http-alert")
        .process(WatchRoute::judgeAnswer)
        .id("judge-chat");

    from("timer:find-programs?period=60s&delay=0")
        .routeId(FIND_PROGRAMS)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Looks whether the downloader and the remote are there")
        .process(exchange -> parts.watch().lookForPrograms(parts.flights()::stopping))
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

  /** Camel's own exception would name the address. */
  private static void judgeAnswer(Exchange exchange) throws IOException {
    int status = exchange.getMessage().getHeader(Exchange.HTTP_RESPONSE_CODE, 0, Integer.class);
    if (status < 200 || status > 299) {
      throw new IOException("the chat answered " + status);
    }
  }

  private static void write(Exchange exchange, URI chat) throws JsonProcessingException {
    Message message = exchange.getMessage();
    Alerts.Told told = exchange.getProperty(TOLD, Alerts.Told.class);
    // Camel counts the tries in a header: without it they would never be used up.
    message.removeHeaders("*", "CamelRedeliver*");
    // As with the webhook: the address may hold a token, and endpoints are shown on JMX.
    message.setHeader(Exchange.HTTP_URI, chat.toString());
    message.setHeader(Exchange.HTTP_METHOD, "POST");
    message.setHeader(Exchange.CONTENT_TYPE, "application/json");
    message.setBody(JSON.writeValueAsBytes(Map.of("text", told.text())));
  }
}
