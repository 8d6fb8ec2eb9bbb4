package fuzz;

import java.util.List;
import java.util.stream.Stream;
import routes.command.OutputProperties;
import routes.job.JobProperties;
import routes.monitoring.ReportProperties;
import routes.operator.OperatorProperties;
import routes.settings.SettingsProperties;
import routes.webhook.WebhookProperties;

/** Everything that has properties: each package says what must hold of its own parsers. */
final class Properties {
  private Properties() {}

  static List<Property> all() {
    return Stream.of(
            JobProperties.all(),
            SettingsProperties.all(),
            OutputProperties.all(),
            WebhookProperties.all(),
            OperatorProperties.all(),
            ReportProperties.all())
        .flatMap(List::stream)
        .toList();
  }
}
