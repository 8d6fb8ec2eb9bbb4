package routes;

import static routes.ExchangeProperties.flight;
import static routes.RouteNames.DOWNLOAD;
import static routes.RouteNames.RUN_DOWNLOADER;
import static routes.RouteNames.direct;

import java.io.IOException;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import routes.job.DeliveryRules;
import routes.job.DownloadFailed;
import routes.job.Flight;
import routes.job.Manifest;
import routes.job.Permanent;
import routes.job.Sandbox;
import routes.monitoring.Event;

/** Runs the downloader in the job's sandbox until it has left exactly one directory there. */
final class DownloadRoute extends RouteBuilder {
  private final Parts parts;

  DownloadRoute(Parts parts) {
    this.parts = parts;
  }

  @Override
  public void configure() {
    from(direct(DOWNLOAD))
        .routeId(DOWNLOAD)
        .routeConfigurationId(DOWNLOAD)
        .description("Brings the course into the job's sandbox")
        .process(parts::mayBegin)
        .id("may-download")
        .to(direct(RUN_DOWNLOADER))
        .id("try-download")
        .process(this::writeDown)
        .id("write-downloaded");

    // One try. A failure in it is retried as a whole, by the route above.
    from(direct(RUN_DOWNLOADER))
        .routeId(RUN_DOWNLOADER)
        .errorHandler(noErrorHandler())
        .description("One try of the download")
        .process(this::prepare)
        .id("prepare-sandbox")
        .to("exec:downloader?commandExecutor=#programs&binding=#downloader")
        .id("exec-downloader")
        .process(this::inspect)
        .id("inspect-sandbox");
  }

  private void prepare(Exchange exchange) throws IOException, Permanent {
    Flight flight = flight(exchange);
    parts.beginTry(flight, DOWNLOAD, Event.DOWNLOAD_START);
    // Whoever was frozen until now must not make a sandbox for a job that is delivered.
    flight.checkStop();
    Sandbox sandbox = new Sandbox(flight.sandbox());
    sandbox.create(flight.deliveryId());
    Optional<String> user = parts.settings().download().cage().user();
    if (user.isPresent()) {
      sandbox.giveTo(user.get());
    }
  }

  private void inspect(Exchange exchange) throws IOException, DownloadFailed, Permanent {
    Flight flight = flight(exchange);
    DeliveryRules rules = parts.deliveryRules();
    String folder = new Sandbox(flight.sandbox()).deliveredFolder(rules);
    Manifest manifest = Manifest.take(flight.sandbox().resolve(folder), null, rules);
    if (manifest.files().isEmpty()) {
      throw new DownloadFailed(
          "The downloader ended well, but expected files in the directory it left, found none");
    }
    flight.downloaded(folder, manifest);
  }

  private void writeDown(Exchange exchange) {
    Flight flight = flight(exchange);
    parts.ledger().downloaded(flight);
    parts.breakers().succeeded(flight, DOWNLOAD);
    parts
        .events()
        .tell(
            Event.DOWNLOAD_SUCCESS,
            flight,
            DOWNLOAD,
            flight.manifest().files().size()
                + " files, "
                + flight.manifest().totalBytes()
                + " bytes");
  }
}
