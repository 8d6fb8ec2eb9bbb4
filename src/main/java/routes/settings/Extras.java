package routes.settings;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a worker does only when it is asked for.
 *
 * @param routes directory of the operator's own routes, absolute; empty for none
 */
public record Extras(Optional<Path> routes) {
  static Extras read(Reader read) {
    return new Extras(routes(read));
  }

  private static Optional<Path> routes(Reader read) {
    String key = "waybill.routes.dir";
    if (read.text(key).isBlank()) {
      return Optional.empty();
    }
    Path directory = Path.of(read.text(key)).toAbsolutePath().normalize();
    if (!Files.isDirectory(directory) || !Files.isReadable(directory)) {
      read.fault(key, "a directory that can be read (WAYBILL_ROUTES_DIR)");
    }
    return Optional.of(directory);
  }
}
