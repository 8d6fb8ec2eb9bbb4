package routes;

import static routes.RouteNames.CLAIM_JOB;
import static routes.RouteNames.FOLLOW_SETTINGS;

import java.nio.file.Path;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.queue.Fetching;
import routes.settings.BadSettings;
import routes.settings.SettingsFile;
import routes.settings.Tuning;
import routes.webhook.WebhookConnections;

/**
 * Takes over what has changed in the settings' file, as far as that is possible in a worker that
 * runs.
 */
final class SettingsRoute extends RouteBuilder {
  private static final Logger LOG = LoggerFactory.getLogger(SettingsRoute.class);

  private final Parts parts;
  private final SettingsFile file;

  SettingsRoute(Parts parts) {
    this.parts = parts;
    this.file = new SettingsFile(parts.environment(), System.getProperties(), Path.of(""));
  }

  @Override
  public void configure() {
    from("timer:follow-settings?period=2s&delay=2s")
        .routeId(FOLLOW_SETTINGS)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Takes over slots, rates and limits when the file of the settings changes")
        .process(this::follow)
        .id("follow");
  }

  private void follow(Exchange exchange) {
    try {
      file.change().ifPresent(this::takeOver);
    } catch (BadSettings e) {
      e.faults().forEach(fault -> LOG.error("The changed settings are not taken over: {}", fault));
    }
  }

  private void takeOver(SettingsFile.Change change) {
    Tuning tuning = change.tuning();
    boolean isNew = !tuning.equals(parts.tuning());
    // All of it each time: what failed half way is made up for by the next change.
    parts.tune(tuning);
    ((Fetching) getContext().getRoute(CLAIM_JOB).getConsumer()).resize(tuning.workers());
    WebhookConnections.size(getContext(), tuning.workers());
    if (isNew) {
      LOG.info("The changed settings are taken over: {}", tuning);
    }
    change
        .restart()
        .forEach(key -> LOG.warn("{} has changed: it is read when the worker starts", key));
  }
}
