package servers;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import routes.command.Environment;

/**
 * A real remote: {@code rclone serve webdav} on a free port, and the config file that names it
 * {@code drive}.
 */
public final class DriveServer implements AutoCloseable {
  private final Path content;
  private final Path config;
  private final LocalProcess process;
  private final int port;

  private DriveServer(Path content, Path config, LocalProcess process, int port) {
    this.port = port;
    this.content = content;
    this.config = config;
    this.process = process;
  }

  public static DriveServer start(Path directory) throws IOException {
    Path home = directory.toAbsolutePath();
    Path content = Files.createDirectories(home.resolve("content"));
    int port = Ports.free();
    LocalProcess process =
        LocalProcess.start(
            "drive",
            "KILL",
            home,
            Environment.forRclone(Map.of()),
            List.of(
                rclone(), "serve", "webdav", "--addr", "127.0.0.1:" + port, content.toString()));
    awaitAnswer(port);
    DriveServer drive = new DriveServer(content, home.resolve("rclone.conf"), process, port);
    drive.reachedThrough(port);
    return drive;
  }

  /** From now on the config file leads to this port, where something stands before the server. */
  public void reachedThrough(int otherPort) throws IOException {
    Files.writeString(
        config,
        "[drive]\ntype = webdav\nvendor = other\nurl = http://127.0.0.1:"
            + otherPort
            + "\n\n[disk]\ntype = alias\nremote = "
            + content
            + "\n");
  }

  public int port() {
    return port;
  }

  /**
   * The real rclone: {@code RCLONE}, or the one on PATH. {@code ./waybill} sees to it that there is
   * one.
   */
  public static String rclone() throws IOException {
    String named = System.getenv("RCLONE");
    if (named != null && !named.isBlank()) {
      return Path.of(named).toAbsolutePath().toString();
    }
    for (String directory : System.getenv().getOrDefault("PATH", "").split(":")) {
      Path program = Path.of(directory, "rclone");
      if (Files.isExecutable(program)) {
        return program.toString();
      }
    }
    throw new IOException("rclone was not found: set RCLONE, or start through ./waybill");
  }

  private static void awaitAnswer(int port) throws IOException {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (System.nanoTime() < deadline) {
      try {
        HttpURLConnection connection =
            (HttpURLConnection)
                URI.create("http://127.0.0.1:" + port + "/").toURL().openConnection();
        connection.setConnectTimeout(1000);
        connection.setReadTimeout(2000);
        if (connection.getResponseCode() < 500) {
          return;
        }
      } catch (IOException notYet) {
        LocalProcess.pause();
      }
    }
    throw new IOException("rclone serve webdav does not answer on port " + port);
  }

  /**
   * Removes a file as a client of the remote would; behind the server's back, its listing would go
   * on showing it.
   */
  public void delete(String path) throws IOException {
    try {
      HttpRequest request =
          HttpRequest.newBuilder(new URI("http", null, "127.0.0.1", port, "/" + path, null, null))
              .DELETE()
              .build();
      int status =
          HttpClient.newHttpClient()
              .send(request, HttpResponse.BodyHandlers.discarding())
              .statusCode();
      if (status >= 300) {
        throw new IOException("DELETE " + path + ": " + status);
      }
    } catch (URISyntaxException | InterruptedException e) {
      throw new IOException(e);
    }
  }

  /** What has arrived. */
  public Path content() {
    return content;
  }

  public Path config() {
    return config;
  }

  public LocalProcess process() {
    return process;
  }

  @Override
  public void close() {
    process.close();
  }
}
