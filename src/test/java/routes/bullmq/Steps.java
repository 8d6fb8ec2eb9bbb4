package routes.bullmq;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import redis.clients.jedis.UnifiedJedis;
import servers.NodePeer;

/**
 * What is done in a comparison, by whichever worker; the ids of the jobs are the same each time.
 */
final class Steps {
  private Steps() {}

  static void take(NodePeer peer, SideBySideTest.Hand hand, UnifiedJedis jedis) {
    assertNull(hand.take(), "an empty queue");

    add(peer, Map.of("n", 1), Map.of("attempts", 3, "backoff", backoff("exponential", 150)));
    assertEquals("1", hand.take());
    hand.progress("1", 42);
    hand.progress("1", Map.of("file", "a.mp4"));
    hand.log("1", "the first line");
    hand.fail("1", "boom", false);
    assertNull(hand.take(), "it is not due yet");
    assertEquals("1", until(hand));
    hand.fail("1", "boom again", false);
    assertEquals("1", until(hand));
    hand.complete("1", Map.of("folder", "Course"));

    add(peer, Map.of("n", 2), Map.of("removeOnComplete", true, "keepLogs", 2));
    assertEquals("2", hand.take());
    hand.log("2", "one");
    hand.log("2", "two");
    hand.log("2", "three");
    hand.complete("2", "text");

    add(peer, Map.of("n", 3), Map.of("attempts", 2));
    add(peer, Map.of("n", 4), Map.of("priority", 7));
    add(peer, Map.of("n", 5), Map.of("priority", 3));
    add(peer, Map.of("n", 6), Map.of());
    add(peer, Map.of("n", 7), Map.of("lifo", true, "attempts", 2));
    assertEquals("7", hand.take(), "the last one in goes first");
    hand.fail("7", "at once", false);
    assertEquals("7", hand.take(), "and again");
    hand.fail("7", "for the last time", false);
    assertEquals("3", hand.take());
    hand.fail("3", "nothing helps", true);
    assertEquals("6", hand.take(), "before all that have a priority");
    hand.delay("6", 60_000);
    assertEquals("5", hand.take(), "the lower priority first");
    hand.release("5");
    peer.ask("pause");
    assertNull(hand.take(), "it is paused");
    add(peer, Map.of("n", 8), Map.of("deduplication", Map.of("id", "eight")));
    add(peer, Map.of("n", 9), Map.of("deduplication", Map.of("id", "nine", "ttl", 100_000)));
    peer.ask("resume");
    String next = hand.take();
    hand.complete(next, 1);
    next = hand.take();
    hand.complete(next, 2);
    next = hand.take();
    hand.complete(next, 3);
    peer.ask("retry", "7");
    assertEquals("4".equals(next) ? "7" : next(hand), "7");
    hand.complete("7", null);

    stall(peer, hand, jedis);
    flow(peer, hand);

    add(peer, Map.of("last", 1), Map.of("removeOnComplete", 3));
    hand.complete(next(hand), Map.of());
  }

  /** A worker that goes silent, twice. */
  private static void stall(NodePeer peer, SideBySideTest.Hand hand, UnifiedJedis jedis) {
    String id = add(peer, Map.of("stalls", true), Map.of());
    for (int i = 0; i < 2; i++) {
      assertEquals(id, next(hand));
      jedis.del("bull:downloads:" + id + ":lock");
      hand.stalled();
      await()
          .pollInterval(Duration.ofMillis(30))
          .until(() -> !jedis.exists("bull:downloads:stalled-check"));
      hand.stalled();
      await()
          .pollInterval(Duration.ofMillis(30))
          .until(() -> !jedis.exists("bull:downloads:stalled-check"));
    }
    assertEquals(List.of(id), jedis.lrange("bull:downloads:wait", 0, -1));
    jedis.hdel("bull:downloads:" + id, "defa");
    assertEquals(id, next(hand));
    hand.complete(id, 1);
  }

  /** Children that end well and badly, and what that means for their parents. */
  private static void flow(NodePeer peer, SideBySideTest.Hand hand) {
    for (String option :
        List.of(
            "none",
            "failParentOnFailure",
            "ignoreDependencyOnFailure",
            "removeDependencyOnFailure",
            "continueParentOnFailure")) {
      Map<String, Object> well = child("well-" + option, Map.of());
      Map<String, Object> badly =
          child("badly-" + option, option.equals("none") ? Map.of() : Map.of(option, true));
      JsonNode added =
          peer.ask(
              "flow",
              Map.of(
                  "name",
                  "parent",
                  "queueName",
                  "parents",
                  "opts",
                  Map.of("jobId", option),
                  "children",
                  List.of(well, badly)));
      assertEquals(2, added.path("children").size());
      for (int i = 0; i < 2; i++) {
        String id = next(hand);
        if (id.startsWith("well")) {
          hand.complete(id, Map.of("ok", true));
        } else {
          hand.fail(id, "badly", false);
        }
      }
    }
  }

  private static Map<String, Object> child(String id, Map<String, Object> options) {
    Map<String, Object> all = new java.util.TreeMap<>(options);
    all.put("jobId", id);
    return Map.of("name", "child", "queueName", "downloads", "data", Map.of(), "opts", all);
  }

  private static Map<String, Object> backoff(String type, int delay) {
    return Map.of("type", type, "delay", delay);
  }

  private static String add(NodePeer peer, Object data, Object options) {
    return peer.ask("add", "download", data, options).textValue();
  }

  private static String next(SideBySideTest.Hand hand) {
    String id = hand.take();
    if (id == null) {
      throw new AssertionError("expected a job to take, found none");
    }
    return id;
  }

  private static String until(SideBySideTest.Hand hand) {
    return await()
        .pollInterval(Duration.ofMillis(30))
        .atMost(Duration.ofSeconds(10))
        .until(hand::take, id -> id != null);
  }
}
