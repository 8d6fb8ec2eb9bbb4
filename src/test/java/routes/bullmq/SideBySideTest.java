package routes.bullmq;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import redis.clients.jedis.UnifiedJedis;
import servers.NodePeer;
import servers.RedisServer;

/**
 * The same steps by a worker of the real BullMQ and by ours, on queues that the real one has
 * filled, at the same times by a clock of the test: what is in Redis afterwards is the same, key by
 * key and event by event.
 */
@Tag("node")
class SideBySideTest {
  static final java.util.List<String> PACKAGES = NodePeer.PACKAGES;

  @TempDir static Path directory;
  private static RedisServer redis;
  private static UnifiedJedis jedis;

  @BeforeAll
  static void startRedis() throws Exception {
    redis = RedisServer.start(directory.resolve("redis"), "secret", false);
    jedis = Peers.connect(redis);
  }

  @AfterAll
  static void stopRedis() {
    jedis.close();
    redis.close();
  }

  /** What a worker can do with the jobs it takes one by one. */
  interface Hand {
    /** Id of the job, or null if there was none to take. */
    String take();

    void progress(String id, Object value);

    void log(String id, String line);

    void complete(String id, Object value);

    void fail(String id, String reason, boolean forGood);

    void delay(String id, long millis);

    void release(String id);

    void stalled();

    /** A job that has failed is active again. */
    void revive(String id);
  }

  private static final String TOKEN = "token";
  private static final Duration LOCK = Duration.ofSeconds(30);

  /** The worker of the package. */
  private record Theirs(NodePeer peer) implements Hand {
    @Override
    public String take() {
      JsonNode id = peer.ask("take", TOKEN);
      return id.isNull() ? null : id.textValue();
    }

    @Override
    public void progress(String id, Object value) {
      peer.ask("progress", id, value);
    }

    @Override
    public void log(String id, String line) {
      peer.ask("log", id, line);
    }

    @Override
    public void complete(String id, Object value) {
      peer.ask("complete", id, TOKEN, value);
    }

    @Override
    public void fail(String id, String reason, boolean forGood) {
      peer.ask("fail", id, TOKEN, reason, forGood);
    }

    @Override
    public void delay(String id, long millis) {
      peer.ask("delay", id, TOKEN, millis);
    }

    @Override
    public void release(String id) {
      peer.ask("release", id, TOKEN);
    }

    @Override
    public void stalled() {
      peer.ask("stalled");
    }

    @Override
    public void revive(String id) {
      peer.ask("retry", id);
      assertEquals(id, take());
    }
  }

  /** Ours. */
  private static final class Ours implements Hand {
    private final BullQueue queue;
    private final BullQueue.Worker worker;
    private final Map<String, BullJob> jobs = new HashMap<>();
    private final BackoffRule backoff = BackoffRule.standard(BackoffRule.unknownType());

    Ours(BullQueue queue, int max, Duration window) {
      this.queue = queue;
      this.worker = new BullQueue.Worker(TOKEN, LOCK, "w", max, window);
    }

    @Override
    public String take() {
      Taken taken = queue.take(worker, 1);
      taken.jobs().forEach(job -> jobs.put(job.id(), job));
      return taken.jobs().isEmpty() ? null : taken.jobs().get(0).id();
    }

    @Override
    public void progress(String id, Object value) {
      queue.progress(id, BullJob.JSON.valueToTree(value).toString());
    }

    @Override
    public void log(String id, String line) {
      queue.log(id, java.util.List.of(line), jobs.get(id).keepLogs());
    }

    @Override
    public void complete(String id, Object value) {
      String json = BullJob.JSON.valueToTree(value).toString();
      assertEquals(Outcome.DONE, queue.complete(jobs.get(id), TOKEN, json, Keep.ALL, 60));
    }

    @Override
    public void fail(String id, String reason, boolean forGood) {
      BullJob job = jobs.get(id);
      String trace = "stack of " + reason;
      int attempt = job.attemptsMade() + 1;
      if (forGood || attempt >= job.attempts()) {
        assertEquals(Outcome.DONE, queue.fail(job, TOKEN, reason, trace, Keep.ALL, 60));
      } else {
        assertEquals(
            Outcome.DONE, queue.retry(job, TOKEN, reason, trace, backoff.after(job, attempt)));
      }
    }

    @Override
    public void delay(String id, long millis) {
      assertEquals(Outcome.DONE, queue.delay(id, TOKEN, Duration.ofMillis(millis)));
    }

    @Override
    public void release(String id) {
      assertEquals(Outcome.DONE, queue.release(queue.find(id).orElseThrow(), TOKEN));
    }

    @Override
    public void stalled() {
      queue.freeStalled(Duration.ofMillis(100), 1);
    }

    @Override
    public void revive(String id) {
      assertEquals(Outcome.DONE, queue.hold(worker, id, true));
    }
  }

  @ParameterizedTest
  @FieldSource("PACKAGES")
  void should_leave_the_same_in_redis(String name) throws Exception {
    Map<String, Object> theirs = run(name, true);
    Map<String, Object> ours = run(name, false);
    for (String key : union(theirs, ours)) {
      assertEquals(
          String.valueOf(theirs.get(key)).replace("}, ", "},\n"),
          String.valueOf(ours.get(key)).replace("}, ", "},\n"),
          name + ": " + key);
    }
  }

  private static Iterable<String> union(Map<String, Object> one, Map<String, Object> other) {
    Map<String, Object> keys = new LinkedHashMap<>(one);
    keys.putAll(other);
    return keys.keySet();
  }

  private static Map<String, Object> run(String name, boolean node) throws Exception {
    jedis.flushAll();
    SteppedClock clock = new SteppedClock();
    try (NodePeer peer = NodePeer.start(name, redis, "bull", "downloads", directory)) {
      Hand hand;
      if (node) {
        peer.ask(
            "hand",
            Map.of("name", "w", "stalledInterval", 100, "metrics", Map.of("maxDataPoints", 60)));
        hand = new Theirs(peer);
      } else {
        hand = new Ours(new BullQueue(jedis, "bull", "downloads", clock), 0, Duration.ZERO);
      }
      new Steps(peer, hand, jedis, clock).take();
      return Layout.of(jedis, "bull");
    }
  }
}
