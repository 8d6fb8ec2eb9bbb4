package bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import servers.LocalProcess;
import servers.NodePeer;

/** {@code src/test/npm/pipeline.cjs}: the same pipeline on a real BullMQ worker. */
final class NodeWorker implements AutoCloseable {
  private static final Path SCRIPT = Path.of("src", "test", "npm", "pipeline.cjs").toAbsolutePath();

  private final LocalProcess process;

  private NodeWorker(LocalProcess process) {
    this.process = process;
  }

  /**
   * Returns when it waits for jobs.
   *
   * @param manner {@code whole} or {@code bare}
   */
  static NodeWorker start(Site site, String manner, String prefix, String queue) throws Exception {
    Path directory = Files.createDirectories(site.shop().directory().resolve("node-" + manner));
    Files.createDirectories(directory.resolve("staging"));
    Files.createDirectories(directory.resolve("logs"));
    Map<String, String> environment = site.settings();
    environment.put("NODE_PATH", NodePeer.modules().toString());
    // As those who run Node in production do.
    environment.put("NODE_ENV", "production");
    NodeWorker worker =
        new NodeWorker(
            LocalProcess.start(
                "pipeline",
                "KILL",
                directory,
                environment,
                List.of(
                    "node",
                    SCRIPT.toString(),
                    manner,
                    queue,
                    prefix,
                    String.valueOf(Site.SLOTS),
                    directory.toString(),
                    site.fixture().toString())));
    AtomicReference<String> said = new AtomicReference<>("");
    Wait.until(
        () -> {
          if (!worker.process.isAlive()) {
            throw new IOException("the worker in Node ended: " + said.get());
          }
          said.set(Files.readString(directory.resolve("pipeline.log")));
          return said.get().contains("ready");
        },
        "the worker in Node");
    return worker;
  }

  long pid() {
    return process.pid();
  }

  @Override
  public void close() {
    process.close();
  }
}
