package routes.bullmq;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.params.SetParams;
import servers.NodePeer;
import servers.RedisServer;

/** The component as another Camel user would have it, with the real BullMQ on the other side. */
@Tag("node")
class BullmqComponentTest {
  static final List<String> PACKAGES = NodePeer.PACKAGES;

  @TempDir static Path directory;
  private static RedisServer redis;
  private static RedisClient jedis;

  private final List<String> worked = new CopyOnWriteArrayList<>();
  private final CountDownLatch mayEnd = new CountDownLatch(1);
  private DefaultCamelContext camel;
  private NodePeer peer;
  private BullQueue queue;

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

  @AfterEach
  void stop() {
    mayEnd.countDown();
    if (camel != null) {
      camel.stop();
    }
    if (peer != null) {
      peer.close();
    }
  }

  private void open(String name, String options) throws Exception {
    jedis.flushAll();
    queue = new BullQueue(jedis, "{bull}", "downloads", Clock.systemUTC());
    peer = NodePeer.start(name, redis, "{bull}", "downloads", directory);
    peer.ask("events");
    camel = new DefaultCamelContext();
    BullmqComponent component = new BullmqComponent(jedis, Clock.systemUTC());
    component.setListeners(named -> Peers.connect(redis, named));
    camel.addComponent("bullmq", component);
    camel.addRoutes(
        new RouteBuilder() {
          @Override
          public void configure() {
            from("bullmq:downloads?prefix={bull}&drainDelay=1s&name=camel" + options)
                .routeId("work")
                .process(BullmqComponentTest.this::work);
          }
        });
    camel.start();
  }

  private List<String> workedInNode() {
    return peer.events().stream()
        .filter(event -> event.path("event").asText().equals("worked"))
        .map(event -> event.path("args").path("jobId").asText())
        .toList();
  }

  /** As peer.cjs does it: what a job asks for is in its data. */
  private void work(Exchange exchange) throws Exception {
    String id = exchange.getMessage().getHeader(BullmqConstants.JOB_ID, String.class);
    int made = exchange.getMessage().getHeader(BullmqConstants.ATTEMPTS_MADE, Integer.class);
    JsonNode data = BullJob.json(exchange.getMessage().getBody(String.class));
    worked.add(id);
    if (data.has("progress")) {
      queue.progress(id, data.get("progress").toString());
    }
    if (data.has("waits")) {
      mayEnd.await();
    }
    if (data.has("ms") && worked.size() > 200) {
      await().atMost(Duration.ofSeconds(30)).until(() -> workedInNode().size() > 20);
    }
    if (data.has("putOff") && worked.stream().filter(id::equals).count() == 1) {
      exchange.getMessage().setHeader(BullmqConstants.DELAY, data.get("putOff").asLong());
      return;
    }
    if (data.path("fail").asText().equals("forGood")) {
      throw new UnrecoverableError("for good");
    }
    if (data.has("fail") && made < data.path("times").asInt(Integer.MAX_VALUE)) {
      throw new IllegalStateException(data.path("fail").asText());
    }
    exchange.getMessage().setBody(Map.of("by", "camel"));
  }

  private String add(Object data, Object options) {
    return peer.ask("add", "download", data, options).textValue();
  }

  private CompletableFuture<JsonNode> result(String id) {
    return peer.begin("result", id, 20_000);
  }

  /** As its connection is called, of each worker that BullMQ's own tools know of. */
  private List<String> workers() {
    return peer.ask("workers").findValuesAsText("rawname");
  }

  private String state(String id) {
    return peer.ask("state", id).asText();
  }

  @ParameterizedTest
  @FieldSource("PACKAGES")
  void should_be_a_worker_to_the_real_producer(String name) throws Exception {
    open(name, "&concurrency=4&metrics=60");
    String plain = add(Map.of("progress", Map.of("percent", 40)), Map.of());
    String again =
        add(
            Map.of("fail", "not yet", "times", 2),
            Map.of("attempts", 3, "backoff", Map.of("type", "exponential", "delay", 50)));
    String never = add(Map.of("fail", "never"), Map.of("attempts", 2));
    String forGood = add(Map.of("fail", "forGood"), Map.of("attempts", 5));
    String later = add(Map.of(), Map.of("delay", 400));
    String putOff = add(Map.of("putOff", 300), Map.of());
    String named = add(Map.of(), Map.of("jobId", "task-7"));

    for (String id : List.of(plain, again, later, putOff, named)) {
      assertEquals("camel", result(id).get(30, TimeUnit.SECONDS).path("by").asText(), id);
    }
    assertEquals("never", failure(never));
    assertEquals("for good", failure(forGood));
    assertEquals(1, worked.stream().filter(forGood::equals).count(), "no second attempt");
    assertEquals(2, worked.stream().filter(never::equals).count());
    assertEquals(3, worked.stream().filter(again::equals).count());
    assertEquals(2, worked.stream().filter(putOff::equals).count());
    JsonNode job = peer.ask("job", putOff);
    assertEquals(1, job.path("attemptsMade").asInt(), "being put off is no attempt");
    await().until(() -> peer.told("completed", plain) == 1);
    assertEquals(1, peer.told("progress", plain));
    assertEquals(1, peer.told("active", plain));
    JsonNode counts = peer.ask("counts");
    assertEquals(5, counts.path("completed").asInt());
    assertEquals(2, counts.path("failed").asInt());
    assertEquals(0, counts.path("active").asInt());
    assertEquals(5, peer.ask("metrics", "completed").path("meta").path("count").asInt());

    peer.ask("retry", forGood);
    await().until(() -> worked.stream().filter(forGood::equals).count() == 2);
  }

  private String failure(String id) throws Exception {
    return assertThrows(ExecutionException.class, () -> result(id).get(30, TimeUnit.SECONDS))
        .getCause()
        .getMessage();
  }

  @ParameterizedTest
  @FieldSource("PACKAGES")
  void should_share_a_queue_with_a_worker_in_node(String name) throws Exception {
    open(name, "&concurrency=4");
    peer.ask("worker", Map.of("concurrency", 4, "name", "node"));
    BullKeys keys = new BullKeys("{bull}", "downloads");
    await()
        .untilAsserted(
            () ->
                assertEquals(
                    Set.of(keys.connection("camel"), keys.connection("node")),
                    Set.copyOf(workers())));
    List<Map<String, Object>> jobs = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      Map<String, Object> options = new LinkedHashMap<>();
      if (i % 5 == 1) {
        options.put("priority", 1 + i % 3);
      }
      if (i % 7 == 2) {
        options.put("delay", 200 + i);
      }
      jobs.add(Map.of("name", "download", "data", Map.of("ms", 20), "opts", options));
    }
    peer.ask("addBulk", jobs);
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> peer.ask("counts").path("completed").asInt() == 400);
    Set<String> ours = new HashSet<>(worked);
    List<String> theirs = workedInNode();
    assertEquals(worked.size(), ours.size(), "none done twice here");
    assertEquals(theirs.size(), new HashSet<>(theirs).size(), "nor there");
    assertEquals(400, ours.size() + theirs.size(), "nor by both, and none is lost");
    assertTrue(ours.size() > 20 && theirs.size() > 20, ours.size() + " and " + theirs.size());
  }

  @Test
  void should_keep_the_lock_of_a_job_that_takes_long() throws Exception {
    open("bullmq", "&lockDuration=30s&lockRenewTime=150ms&stalledInterval=200ms");
    String id = add(Map.of("waits", true), Map.of());
    await().until(() -> worked.contains(id));
    CompletableFuture<JsonNode> result = result(id);
    // With somebody looking for stalled jobs all the time.
    RedisServer.awaitPutOff(jedis, "{bull}:downloads:" + id + ":lock", 10);
    assertEquals("active", state(id));
    mayEnd.countDown();
    assertEquals("camel", result.get(10, TimeUnit.SECONDS).path("by").asText());
    assertEquals(1, worked.size());
    assertEquals(0, peer.told("stalled", id));
  }

  @Test
  void should_refuse_the_end_of_a_job_that_is_somebody_elses_by_now() throws Exception {
    open("bullmq", "");
    String id = add(Map.of("waits", true), Map.of());
    await().until(() -> worked.contains(id));
    jedis.set("{bull}:downloads:" + id + ":lock", "another");
    mayEnd.countDown();
    await().until(() -> camel.getInflightRepository().size() == 0);
    String last = add(Map.of(), Map.of());
    result(last).get(10, TimeUnit.SECONDS);
    assertEquals("active", state(id));
  }

  @Test
  void should_take_nothing_while_paused_and_no_faster_than_the_queue_allows() throws Exception {
    open("bullmq", "&concurrency=4");
    peer.ask("pause");
    String id = add(Map.of(), Map.of());
    peer.ask("rateLimit", 2, 1000);
    for (int i = 0; i < 4; i++) {
      add(Map.of(), Map.of());
    }
    BullQueue.Worker another =
        new BullQueue.Worker("another", Duration.ofSeconds(30), "", 0, Duration.ZERO);
    assertEquals(List.of(), queue.take(another, 1).jobs());
    assertEquals(List.of(), worked);
    long began = System.nanoTime();
    peer.ask("resume");
    result(id).get(10, TimeUnit.SECONDS);
    await().atMost(Duration.ofSeconds(10)).until(() -> worked.size() == 5);
    assertTrue(System.nanoTime() - began > 1_900_000_000L, "five jobs, two a second");
  }

  @Test
  void should_add_what_the_real_worker_works_on() throws Exception {
    open("bullmq", "");
    camel.getRouteController().stopRoute("work");
    peer.ask("worker", Map.of("concurrency", 2));
    Object id =
        camel
            .createProducerTemplate()
            .request(
                "bullmq:downloads?prefix={bull}&jobName=download",
                exchange -> {
                  exchange.getMessage().setBody("{\"progress\":7}");
                  exchange.getMessage().setHeader(BullmqConstants.ATTEMPTS, 3);
                  exchange.getMessage().setHeader(BullmqConstants.JOB_ID, "task-1");
                })
            .getMessage()
            .getHeader(BullmqConstants.JOB_ID);
    assertEquals("task-1", id);
    assertEquals(
        7, result("task-1").get(10, TimeUnit.SECONDS).path("data").path("progress").asInt());
    JsonNode job = peer.ask("job", "task-1");
    assertEquals("download", job.path("name").asText());
    assertEquals(List.of(new BullKeys("{bull}", "downloads").connection("")), workers());
    assertEquals(List.of(), worked);
  }

  @Test
  void should_touch_nothing_of_a_version_it_does_not_know() throws Exception {
    open("bullmq", "");
    camel.getRouteController().suspendRoute("work");
    jedis.hset("{bull}:downloads:meta", "version", "bullmq:7.1.0");
    add(Map.of(), Map.of());
    jedis.hset("{bull}:downloads:meta", "version", "bullmq:7.1.0");
    Map<String, Object> before = Layout.of(jedis, "{bull}");
    BullQueue.Worker worker =
        new BullQueue.Worker("token", Duration.ofSeconds(30), "", 0, Duration.ZERO);
    UnknownBullVersion refused =
        assertThrows(UnknownBullVersion.class, () -> queue.take(worker, 1));
    assertEquals(
        "version of the queue: expected BullMQ 5 or 6, found bullmq:7.1.0", refused.getMessage());
    assertThrows(UnknownBullVersion.class, () -> queue.add("a", "{}", NewJob.plain()));
    assertThrows(UnknownBullVersion.class, () -> queue.freeStalled(Duration.ofSeconds(30), 1));
    assertEquals(before, Layout.of(jedis, "{bull}"));
    for (String version : List.of("bullmq:4.9.0", "bullmq:50.1.0", "bullmq:6", "other:6.1.0", "")) {
      jedis.hset("{bull}:downloads:meta", "version", version);
      String reason =
          assertThrows(UnknownBullVersion.class, () -> queue.take(worker, 1)).getMessage();
      assertEquals(reason, queue.look().refused());
    }
    for (String version : List.of("bullmq:5.0.0", "bullmq:6.99.0")) {
      jedis.hset("{bull}:downloads:meta", "version", version);
      queue.take(worker, 0);
      assertNull(queue.look().refused());
    }
  }

  @Test
  void should_keep_the_lock_of_a_job_that_outlives_its_route() throws Exception {
    open("bullmq", "&lockDuration=30s&lockRenewTime=300ms");
    String id = add(Map.of("waits", true), Map.of());
    await().until(() -> worked.contains(id));

    camel.getRouteController().stopRoute("work", 100, TimeUnit.MILLISECONDS);

    String lock = "{bull}:downloads:" + id + ":lock";
    RedisServer.awaitPutOff(jedis, lock, 3);
    mayEnd.countDown();
    await().until(() -> state(id).equals("waiting"));
    assertEquals(0, peer.ask("job", id).path("attemptsMade").asInt(), "it is no attempt");
  }

  @Test
  void should_keep_as_many_lines_of_a_log_as_the_producer_said() throws Exception {
    open("bullmq", "");
    camel.getRouteController().stopRoute("work");
    String id = add(Map.of(), Map.of("keepLogs", 2));
    BullQueue.Worker worker =
        new BullQueue.Worker("token", Duration.ofSeconds(30), "", 0, Duration.ZERO);
    BullJob job = queue.take(worker, 1).jobs().get(0);

    queue.log(id, List.of("a", "b", "c"), job.keepLogs());
    assertEquals("[\"b\",\"c\"]", peer.ask("logs", id).path("logs").toString());
    queue.complete(
        List.of(new BullQueue.Success(job, "1", List.of("d", "e", "f"))), "token", Keep.ALL, 0);

    assertEquals("[\"e\",\"f\"]", peer.ask("logs", id).path("logs").toString());
  }

  /** As if it had been silent: its successor goes by the same token. */
  @Test
  void should_not_give_back_what_has_been_taken_again() {
    jedis.flushAll();
    queue = new BullQueue(jedis, "{bull}", "downloads", Clock.systemUTC());
    BullQueue.Worker worker =
        new BullQueue.Worker("token", Duration.ofSeconds(30), "", 0, Duration.ZERO);
    queue.add("mail", "{}", NewJob.named("first"));
    BullJob silent = queue.take(worker, 1).jobs().get(0);
    assertEquals(Outcome.DONE, queue.release(silent, "token"));
    BullJob taken = queue.take(worker, 1).jobs().get(0);

    assertEquals(Outcome.SOMEBODY_ELSES, queue.release(silent, "token"));

    assertEquals(1, queue.counts().get("active"));
    assertEquals(Outcome.DONE, queue.release(taken, "token"));
  }

  /** In it nothing is left of the window, and still the window is there. */
  @Test
  void should_give_nothing_more_in_the_last_millisecond_of_a_window() {
    jedis.flushAll();
    BullQueue limited = new BullQueue(jedis, "{bull}", "downloads", Clock.systemUTC());
    BullQueue.Worker worker =
        new BullQueue.Worker("token", Duration.ofSeconds(30), "", 2, Duration.ofMinutes(1));
    String limiter = "{bull}:downloads:limiter";
    for (int i = 0; i < 100; i++) {
      limited.add("download", "{}", NewJob.plain());
      jedis.set(limiter, "2", SetParams.setParams().px(2));
      Taken taken = limited.take(worker, 1);
      while (taken.jobs().isEmpty()) {
        assertTrue(taken.limited().toMillis() > 0, "whoever takes it for open takes the next");
        taken = limited.take(worker, 1);
      }
      assertEquals("1", jedis.get(limiter), "the first of a new window");
    }
  }

  @Test
  void should_say_what_a_server_lacks() {
    assertEquals(1, BullServer.check(jedis).size(), "it writes nothing to disk");
    jedis.sendCommand(Protocol.Command.CONFIG, "SET", "maxmemory-policy", "allkeys-lru");
    try {
      assertTrue(
          BullServer.check(jedis).get(0).contains("expected maxmemory-policy noeviction"),
          BullServer.check(jedis).toString());
    } finally {
      jedis.sendCommand(Protocol.Command.CONFIG, "SET", "maxmemory-policy", "noeviction");
    }
  }
}
