package routes.webhook;

import java.util.Optional;
import org.apache.camel.CamelContext;
import org.apache.camel.component.http.HttpEndpoint;
import org.apache.hc.core5.pool.ConnPoolControl;

/** The connections to the receiver, kept open between two webhooks. */
public final class WebhookConnections {
  private WebhookConnections() {}

  /** Empty before the routes are built. */
  public static Optional<ConnPoolControl<?>> of(CamelContext camel) {
    return camel.getEndpoints().stream()
        .filter(endpoint -> endpoint.getEndpointUri().startsWith("http://webhook"))
        .<ConnPoolControl<?>>map(
            endpoint -> (ConnPoolControl<?>) ((HttpEndpoint) endpoint).getClientConnectionManager())
        .findFirst();
  }

  /** The number of slots has changed: each has a connection. */
  public static void size(CamelContext camel, int workers) {
    of(camel)
        .ifPresent(
            connections -> {
              connections.setMaxTotal(workers);
              connections.setDefaultMaxPerRoute(workers);
            });
  }
}
