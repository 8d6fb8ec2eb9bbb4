package routes.command;

import static routes.ExchangeProperties.flight;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.component.exec.ExecBinding;
import org.apache.camel.component.exec.ExecCommand;
import org.apache.camel.component.exec.ExecEndpoint;
import org.apache.camel.component.exec.ExecResult;
import routes.job.DownloadFailed;
import routes.job.Flight;
import routes.monitoring.Events;
import routes.settings.ArgumentTemplate;
import routes.settings.Settings;

/**
 * Command line of the downloader, and what its end means. Nothing of it comes from message headers.
 */
public final class DownloaderBinding implements ExecBinding {
  private final Settings.Download settings;
  private final Map<String, String> environment;
  private final CagedLine cage;
  private final Events events;

  /**
   * @throws IOException if there is no such user as it is to run as
   */
  public DownloaderBinding(
      Settings.Download settings, Map<String, String> ownEnvironment, Events events)
      throws IOException {
    this.settings = settings;
    this.environment =
        settings.cage().user().isPresent()
            ? Environment.ofAnotherUser(ownEnvironment, settings.passedVariables())
            : Environment.scrubbed(ownEnvironment, settings.passedVariables());
    this.cage = CagedLine.of(settings.cage());
    this.events = events;
  }

  @Override
  public ExecCommand readInput(Exchange exchange, ExecEndpoint endpoint) {
    Flight flight = flight(exchange);
    Path sandbox = flight.sandbox();
    return new Command(
        Command.Kind.DOWNLOAD,
        flight,
        cage.before(sandbox, flight.taskId()),
        settings.program(),
        ArgumentTemplate.fill(
            settings.arguments(),
            Map.of(
                "courseUrl", flight.courseUrl(),
                "sandbox", sandbox.toString(),
                "taskId", String.valueOf(flight.taskId()))),
        environment,
        sandbox,
        settings.timeout(),
        settings.idleTimeout(),
        new PercentProgress(percent -> events.progress(flight, percent, null)),
        false);
  }

  @Override
  public void writeOutput(Exchange exchange, ExecResult result) {
    if (result.getExitValue() != 0) {
      exchange.setException(
          new DownloadFailed(
              "The downloader ended with exit code " + result.getExitValue(),
              new ExitCode(result.getExitValue())));
    }
  }
}
