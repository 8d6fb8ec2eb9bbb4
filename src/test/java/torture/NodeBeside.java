package torture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import servers.LocalProcess;
import servers.NodePeer;
import servers.Shop;

/**
 * {@code src/test/npm/beside.cjs}: the shop's own worker on Waybill's queue, the real BullMQ. No
 * proxy stands before it, and nobody kills it.
 */
final class NodeBeside implements AutoCloseable {
  private static final Path SCRIPT = Path.of("src", "test", "npm", "beside.cjs").toAbsolutePath();
  private static final Duration LONGEST_START = Duration.ofSeconds(30);

  private final LocalProcess process;

  private NodeBeside(LocalProcess process) {
    this.process = process;
  }

  /**
   * Returns when it waits for jobs.
   *
   * @param seed part of what it delivers
   */
  static NodeBeside start(Shop shop, long seed) throws Exception {
    Map<String, String> environment = new LinkedHashMap<>(shop.environment());
    environment.put("NODE_PATH", NodePeer.modules().toString());
    NodeBeside beside =
        new NodeBeside(
            LocalProcess.start(
                "beside",
                "KILL",
                shop.directory(),
                environment,
                List.of(
                    "node",
                    SCRIPT.toString(),
                    BullSide.QUEUE,
                    BullSide.PREFIX,
                    String.valueOf(seed),
                    Checker.remote(shop).toString(),
                    shop.staging().toString())));
    long deadline = System.nanoTime() + LONGEST_START.toNanos();
    String said = "";
    while (!said.contains("ready")) {
      if (!beside.process.isAlive() || System.nanoTime() > deadline) {
        beside.close();
        throw new IOException("the worker in Node did not start: " + said);
      }
      TimeUnit.MILLISECONDS.sleep(50);
      said = Files.readString(shop.directory().resolve("beside.log"));
    }
    return beside;
  }

  /** The id of the webhook of a task that it has delivered. */
  static String webhookId(long taskId) {
    return "node-" + taskId;
  }

  @Override
  public void close() {
    process.close();
  }
}
