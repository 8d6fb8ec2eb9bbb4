package routes.settings;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a worker does only when it is asked for.
 *
 * @param routes directory of the operator's own routes, absolute; empty for none
 * @param jolokia whether JMX is shown over HTTP; only where that listens on loopback
 * @param tracing base address of an OTLP endpoint; empty for no tracing
 */
public record Extras(Optional<Path> routes, boolean jolokia, Optional<URI> tracing) {
  static Extras read(Reader read, Settings.Http http) {
    return new Extras(routes(read), jolokia(read, http), tracing(read));
  }

  private static Optional<URI> tracing(Reader read) {
    String key = "waybill.tracing.endpoint";
    return read.text(key).isBlank()
        ? Optional.empty()
        : Optional.of(read.httpUrl(key, "an http or https URL (OTEL_EXPORTER_OTLP_ENDPOINT)"));
  }

  private static boolean jolokia(Reader read, Settings.Http http) {
    String key = "waybill.jolokia.enabled";
    boolean enabled = read.choice(key, Settings.Switch.class) == Settings.Switch.TRUE;
    boolean onLoopback = http.host().matches("localhost|127(\\.\\d{1,3}){3}|::1");
    if (enabled && (!onLoopback || http.port() == 0)) {
      read.fault(key, "false unless the HTTP side listens on loopback (waybill.http.host, .port)");
    }
    return enabled;
  }

  private static Optional<Path> routes(Reader read) {
    String key = "waybill.routes.dir";
    if (read.text(key).isBlank()) {
      return Optional.empty();
    }
    Path directory = Settings.path(read.text(key));
    if (!Files.isDirectory(directory) || !Files.isReadable(directory)) {
      read.fault(key, "a directory that can be read (WAYBILL_ROUTES_DIR)");
    }
    return Optional.of(directory);
  }
}
