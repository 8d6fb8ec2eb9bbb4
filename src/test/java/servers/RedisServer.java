package servers;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import redis.clients.jedis.UnifiedJedis;

/** A real redis-server on a free port of loopback. */
public final class RedisServer extends LocalServer {
  private static final String VERSION = "7.0.15";

  private final boolean durable;

  private RedisServer(Path directory, String password, boolean durable) throws IOException {
    super(directory, password);
    this.durable = durable;
  }

  /**
   * @param durable whether it writes an append-only file, so that a restart loses nothing
   */
  public static RedisServer start(Path directory, String password, boolean durable)
      throws IOException {
    RedisServer server = new RedisServer(directory, password, durable);
    server.start();
    return server;
  }

  @Override
  public void start() throws IOException {
    Path program = program();
    process =
        LocalProcess.start(
            "redis",
            "KILL",
            directory,
            Map.of(),
            List.of(
                program.toString(),
                "--bind",
                "127.0.0.1",
                "--port",
                String.valueOf(port),
                "--requirepass",
                password,
                "--save",
                "",
                "--appendonly",
                durable ? "yes" : "no",
                "--dir",
                directory.toString()));
    awaitAnswer();
  }

  private void awaitAnswer() throws IOException {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (System.nanoTime() < deadline) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress("127.0.0.1", port), 1000);
        socket.setSoTimeout(1000);
        socket.getOutputStream().write("PING\r\n".getBytes(StandardCharsets.US_ASCII));
        byte[] answer = new byte[64];
        int read = socket.getInputStream().read(answer);
        // "-LOADING" while it reads its file back.
        if (read > 0
            && !new String(answer, 0, read, StandardCharsets.US_ASCII).startsWith("-LOADING")) {
          return;
        }
      } catch (IOException notYet) {
        LocalProcess.pause();
      }
    }
    throw new IOException("redis-server does not answer on port " + port);
  }

  private static Path program() throws IOException {
    String arch = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
    String name = "redis-server-" + VERSION + "-linux-" + arch;
    return Binaries.once(
            "redis-" + VERSION,
            directory -> Binaries.unpack(name, directory.resolve("redis-server")))
        .resolve("redis-server");
  }

  /** Until a key's expiry has been put off so often. */
  public static void awaitPutOff(UnifiedJedis redis, String key, int times) {
    for (int i = 0; i < times; i++) {
      AtomicLong left = new AtomicLong(redis.pttl(key));
      Awaitility.await("the expiry of " + key + " is put off")
          .atMost(Shop.PATIENCE)
          .pollInterval(Duration.ofMillis(20))
          .until(
              () -> {
                long now = redis.pttl(key);
                return now > left.getAndSet(now);
              });
    }
  }
}
