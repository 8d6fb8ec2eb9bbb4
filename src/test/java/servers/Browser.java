package servers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import routes.command.ProcessTree;

/**
 * A real Chromium without a window, spoken to over its DevTools protocol. {@code ./waybill test}
 * sees to it that there is one.
 */
public final class Browser implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration LONGEST_START = Duration.ofSeconds(60);
  private static final Duration LONGEST_END = Duration.ofSeconds(10);
  private static final long LOOK_NANOS = 20_000_000;

  private final HttpClient http = HttpClient.newHttpClient();
  private final LocalProcess process;
  private final int port;

  private Browser(LocalProcess process, int port) {
    this.process = process;
    this.port = port;
  }

  /**
   * @param directory takes its profile, which is thrown away, and its output
   */
  public static Browser start(Path directory) throws IOException {
    Path profile = directory.toAbsolutePath().resolve("profile");
    LocalProcess process =
        LocalProcess.start(
            "chromium",
            "TERM",
            directory.toAbsolutePath(),
            Map.of(),
            List.of(
                program(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                // A page that asks for a font from elsewhere would wait for it.
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--user-data-dir=" + profile,
                "--remote-debugging-port=0",
                "about:blank"));
    Path portFile = profile.resolve("DevToolsActivePort");
    long deadline = System.nanoTime() + LONGEST_START.toNanos();
    while (System.nanoTime() < deadline && process.isAlive()) {
      if (Files.exists(portFile)) {
        List<String> lines = Files.readAllLines(portFile);
        if (lines.size() > 1) {
          return new Browser(process, Integer.parseInt(lines.get(0)));
        }
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
    process.close();
    throw new IOException("Chromium does not start: " + directory.resolve("chromium.log"));
  }

  private static String program() throws IOException {
    String named = System.getenv("CHROMIUM");
    if (named != null) {
      return named;
    }
    Optional<Path> found =
        Stream.of("chromium", "chromium-browser", "google-chrome")
            .flatMap(
                name -> Stream.of(System.getenv("PATH").split(":")).map(dir -> Path.of(dir, name)))
            .filter(Files::isExecutable)
            .findFirst();
    return found
        .orElseThrow(
            () ->
                new IOException(
                    "expected Chromium on PATH or in CHROMIUM, found none: ./waybill test fetches"
                        + " it"))
        .toString();
  }

  /** A new tab, with nothing remembered of the others. */
  public BrowserTab open() throws IOException {
    try {
      HttpRequest open =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/json/new?about:blank"))
              .PUT(HttpRequest.BodyPublishers.noBody())
              .build();
      JsonNode target = JSON.readTree(http.send(open, HttpResponse.BodyHandlers.ofString()).body());
      return new BrowserTab(http, URI.create(target.path("webSocketDebuggerUrl").asText()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  @Override
  public void close() {
    List<ProcessHandle> helpers =
        ProcessHandle.of(process.pid()).stream().flatMap(ProcessHandle::descendants).toList();
    process.close();
    // They write into its profile for a moment longer than it lives.
    ProcessTree.end(() -> helpers.stream().filter(ProcessTree::runs).toList(), LONGEST_END);
  }
}
