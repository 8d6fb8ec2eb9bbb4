package servers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The real BullMQ in a Node process: {@code src/test/npm/peer.cjs}, which has its commands. {@code
 * ./waybill test} sees to it that the packages are there.
 */
public final class NodePeer implements AutoCloseable {
  /** The two lines of releases that are in use, by the names they have in package.json. */
  public static final List<String> PACKAGES = List.of("bullmq", "bullmq5");

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path SCRIPT = Path.of("src", "test", "npm", "peer.cjs").toAbsolutePath();
  private static final Path MODULES = Path.of(".tools", "npm", "node_modules").toAbsolutePath();

  private final Process process;
  private final Writer in;
  private final AtomicLong numbers = new AtomicLong();
  private final Map<Long, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
  private final List<JsonNode> events = new CopyOnWriteArrayList<>();

  private NodePeer(Process process) {
    this.process = process;
    this.in = process.outputWriter(StandardCharsets.UTF_8);
  }

  /** Where the packages are, for {@code NODE_PATH}. */
  public static Path modules() {
    return MODULES;
  }

  /**
   * @param name of the package
   */
  public static NodePeer start(
      String name, RedisServer redis, String prefix, String queue, Path directory)
      throws IOException {
    if (!Files.isDirectory(MODULES.resolve(name))) {
      throw new IOException("expected " + name + " in " + MODULES + ": ./waybill test fetches it");
    }
    ProcessBuilder builder =
        new ProcessBuilder("node", SCRIPT.toString(), name, queue, prefix)
            .redirectError(
                ProcessBuilder.Redirect.appendTo(directory.resolve("node.log").toFile()));
    builder.environment().put("NODE_PATH", MODULES.toString());
    builder.environment().put("REDIS_HOST", "127.0.0.1");
    builder.environment().put("REDIS_PORT", String.valueOf(redis.port()));
    builder.environment().put("REDIS_PASSWORD", redis.password());
    NodePeer peer = new NodePeer(builder.start());
    Thread reader = new Thread(peer::read, "node-peer");
    reader.setDaemon(true);
    reader.start();
    peer.ask("ready");
    return peer;
  }

  private void read() {
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        JsonNode said = JSON.readTree(line);
        if (said.has("event")) {
          events.add(said);
        } else {
          CompletableFuture<JsonNode> asked = waiting.remove(said.path("id").longValue());
          if (said.has("error")) {
            asked.completeExceptionally(new IllegalStateException(said.path("error").textValue()));
          } else {
            asked.complete(said.path("ok"));
          }
        }
      }
    } catch (IOException e) {
      waiting.values().forEach(asked -> asked.completeExceptionally(e));
    }
    waiting
        .values()
        .forEach(asked -> asked.completeExceptionally(new IOException("Node has ended")));
  }

  /** What the command gives; completed exceptionally with what it throws. */
  public CompletableFuture<JsonNode> begin(String command, Object... arguments) {
    long number = numbers.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    waiting.put(number, answer);
    ObjectNode line = JSON.createObjectNode().put("id", number).put("do", command);
    line.set("args", JSON.valueToTree(arguments));
    try {
      synchronized (in) {
        in.write(line + "\n");
        in.flush();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return answer;
  }

  /**
   * @throws IllegalStateException with what the command throws
   */
  public JsonNode ask(String command, Object... arguments) {
    try {
      return begin(command, arguments).get(60, TimeUnit.SECONDS);
    } catch (java.util.concurrent.ExecutionException e) {
      throw new IllegalStateException(command + ": " + e.getCause().getMessage(), e.getCause());
    } catch (Exception e) {
      throw new IllegalStateException(command, e);
    }
  }

  /** What has been told, in order: {@code {"event":…,"args":{…}}}. */
  public List<JsonNode> events() {
    return List.copyOf(events);
  }

  /** How often this was told about the job. */
  public long told(String event, String jobId) {
    return events.stream()
        .filter(each -> each.path("event").asText().equals(event))
        .filter(each -> each.path("args").path("jobId").asText().equals(jobId))
        .count();
  }

  public long pid() {
    return process.pid();
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
