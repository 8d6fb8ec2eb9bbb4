package routes;

import static routes.ExchangeProperties.flight;
import static routes.RouteNames.RUN_RCLONE;
import static routes.RouteNames.UPLOAD;
import static routes.RouteNames.direct;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import routes.job.FilesElsewhere;
import routes.job.Flight;
import routes.job.Manifest;
import routes.job.Permanent;
import routes.job.UploadFailed;
import routes.monitoring.Event;
import routes.settings.Settings.Verify;

/**
 * Moves the delivery to the remote and checks that all of it has arrived; then the shop's row says
 * completed.
 */
final class UploadRoute extends RouteBuilder {
  private final Parts parts;
  private final Verify verify;

  UploadRoute(Parts parts) {
    this.parts = parts;
    this.verify = parts.settings().upload().verify();
  }

  @Override
  public void configure() {
    from(direct(UPLOAD))
        .routeId(UPLOAD)
        .routeConfigurationId(UPLOAD)
        .description("Moves the delivery to the remote and completes the shop's row")
        .process(parts::mayBegin)
        .id("may-upload")
        .to(direct(RUN_RCLONE))
        .id("try-upload")
        .process(this::writeDown)
        .id("write-uploaded");

    // One try. It may find a move that was cut half way: what is left is moved, what has arrived is
    // checked.
    from(direct(RUN_RCLONE))
        .routeId(RUN_RCLONE)
        .errorHandler(noErrorHandler())
        .description("One try of the upload")
        .process(this::prepare)
        .id("prepare-upload")
        .filter(this::needsHashes)
        .to("exec:rclone-features?commandExecutor=#programs&binding=#rcloneFeatures")
        .id("exec-features")
        .process(this::takeHashes)
        .id("take-hashes")
        .end()
        .filter(this::hasFilesHere)
        .to("exec:rclone-move?commandExecutor=#programs&binding=#rcloneMove")
        .id("exec-move")
        .end()
        .filter(exchange -> verify != Verify.NONE)
        .to("exec:rclone-list?commandExecutor=#programs&binding=#rcloneList")
        .id("exec-list")
        .process(this::compare)
        .id("compare-remote")
        .end();
  }

  private void prepare(Exchange exchange) throws IOException, Permanent {
    Flight flight = flight(exchange);
    parts.beginTry(flight, UPLOAD, Event.UPLOAD_START);
    Map<String, Long> here = filesHere(exchange);
    flight.filesMissing(
        flight.manifest().files().stream().noneMatch(file -> here.containsKey(file.path())));
    for (Manifest.Entry file : flight.manifest().files()) {
      if (here.getOrDefault(file.path(), file.size()) != file.size()) {
        throw new FilesElsewhere("what is on this host is an older try's: " + file.path());
      }
    }
    if (flight.filesMissing() && verify == Verify.NONE) {
      throw new FilesElsewhere("its files are not on this host, and the remote is not compared");
    }
  }

  /**
   * Sizes by path of what is still here. Looked at again with all its rules: a link that was put
   * there since the download must not be uploaded either.
   */
  private Map<String, Long> filesHere(Exchange exchange) throws IOException, Permanent {
    if (!hasFilesHere(exchange)) {
      return Map.of();
    }
    return Manifest.take(folder(flight(exchange)), null, parts.deliveryRules()).files().stream()
        .collect(Collectors.toMap(Manifest.Entry::path, Manifest.Entry::size));
  }

  /**
   * Hashes are taken while everything is still here; once a file has moved, the first manifest
   * stays.
   */
  private boolean needsHashes(Exchange exchange) {
    Flight flight = flight(exchange);
    return verify == Verify.HASH && flight.manifest().hash() == null && !flight.filesMissing();
  }

  private void takeHashes(Exchange exchange) throws IOException, Permanent {
    Flight flight = flight(exchange);
    List<?> known = exchange.getMessage().getBody(List.class);
    String hash =
        known.stream()
            .map(Object::toString)
            .filter(Manifest.DIGESTS::containsKey)
            .findFirst()
            .orElseThrow(
                () ->
                    new Permanent(
                        "waybill.upload.verify: expected a remote that knows one of "
                            + Manifest.DIGESTS.keySet()
                            + ", found one that knows "
                            + known));
    parts.ledger().manifest(flight, Manifest.take(folder(flight), hash, parts.deliveryRules()));
  }

  private boolean hasFilesHere(Exchange exchange) {
    return Files.isDirectory(folder(flight(exchange)), LinkOption.NOFOLLOW_LINKS);
  }

  private void compare(Exchange exchange) throws UploadFailed {
    Flight flight = flight(exchange);
    @SuppressWarnings("unchecked")
    Map<String, Manifest.Entry> there = exchange.getMessage().getBody(Map.class);
    List<String> faults = flight.manifest().missingFrom(there);
    if (faults.isEmpty()) {
      return;
    }
    String found =
        "expected "
            + flight.manifest().files().size()
            + " files at the remote, found "
            + faults.size()
            + " missing or different, such as "
            + faults.get(0);
    if (flight.filesMissing()) {
      throw new FilesElsewhere("its files are not on this host: " + found);
    }
    throw new UploadFailed("The upload is not whole: " + found);
  }

  private void writeDown(Exchange exchange) {
    Flight flight = flight(exchange);
    boolean shared = parts.deliveries().enabled();
    if (shared) {
      // Before the ledger says so: whoever sees that nobody fetches the course must find it here.
      parts.deliveries().remember(flight.courseKey(), flight.folder(), flight.manifest());
    }
    parts.ledger().uploaded(flight);
    parts.breakers().succeeded(flight, UPLOAD);
    if (shared) {
      parts.bell().ring(parts.ledger().waitingForCourse(flight.courseKey()));
    }
    parts.events().tell(Event.UPLOAD_SUCCESS, flight, UPLOAD, null);
    parts.events().tell(Event.COMPLETED, flight, UPLOAD, flight.folder());
  }

  private static Path folder(Flight flight) {
    return flight.sandbox().resolve(flight.folder());
  }
}
