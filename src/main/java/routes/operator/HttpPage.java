package routes.operator;

import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The page for people, at {@code /}: files of the jar, each named here, so that no path of a
 * request ever reaches the class path.
 */
final class HttpPage {
  private static final String HTML = "text/html; charset=utf-8";
  private static final String CSS = "text/css; charset=utf-8";
  private static final String SCRIPT = "text/javascript; charset=utf-8";

  /**
   * Nothing from elsewhere, nothing inline: text from outside that became markup could do nothing.
   */
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
          + " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private record File(String type, Buffer content) {}

  private final Map<String, File> files = new LinkedHashMap<>();

  HttpPage() {
    files.put("/", read("index.html", HTML));
    files.put("/page.css", read("page.css", CSS));
    files.put("/page.js", read("page.js", SCRIPT));
    for (String module :
        new String[] {"api", "charts", "confirm", "dom", "jobs", "live", "overview", "task"}) {
      files.put("/page/" + module + ".js", read("page/" + module + ".js", SCRIPT));
    }
  }

  private static File read(String name, String type) {
    try (InputStream in = HttpPage.class.getResourceAsStream("/page/" + name)) {
      return new File(type, Buffer.buffer(in.readAllBytes()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  boolean has(String path) {
    return files.containsKey(path);
  }

  Set<String> paths() {
    return files.keySet();
  }

  void mount(Router router) {
    files.forEach(
        (path, file) ->
            router
                .get(path)
                .handler(
                    context ->
                        context
                            .response()
                            .putHeader("Content-Type", file.type)
                            .putHeader("Content-Security-Policy", POLICY)
                            .end(file.content)));
  }
}
