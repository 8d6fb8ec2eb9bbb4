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
 * What is done in a comparison, by whichever worker; the ids of the jobs are the same each time,
 * and so is what the clock shows.
 */
record Steps(NodePeer peer, SideBySideTest.Hand hand, UnifiedJedis jedis, SteppedClock clock) {
  void take() {
    pass(Duration.ZERO);
    assertNull(hand.take(), "an empty queue");

    add(Map.of("n", 1), Map.of("attempts", 3, "backoff", backoff("exponential", 150)));
    assertEquals("1", hand.take());
    hand.progress("1", 42);
    hand.progress("1", Map.of("file", "a.mp4"));
    hand.log("1", "the first line");
    hand.fail("1", "boom", false);
    assertNull(hand.take(), "it is not due yet");
    assertEquals("1", until());
    hand.fail("1", "boom again", false);
    assertEquals("1", until());
    hand.complete("1", Map.of("folder", "Course"));

    add(Map.of("n", 2), Map.of("removeOnComplete", true, "keepLogs", 2));
    assertEquals("2", hand.take());
    hand.log("2", "one");
    hand.log("2", "two");
    hand.log("2", "three");
    hand.complete("2", "text");

    add(Map.of("n", 3), Map.of("attempts", 2));
    add(Map.of("n", 4), Map.of("priority", 7));
    add(Map.of("n", 5), Map.of("priority", 3));
    add(Map.of("n", 6), Map.of());
    add(Map.of("n", 7), Map.of("lifo", true, "attempts", 2));
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
    add(Map.of("n", 8), Map.of("deduplication", Map.of("id", "eight")));
    add(Map.of("n", 9), Map.of("deduplication", Map.of("id", "nine", "ttl", 100_000)));
    peer.ask("resume");
    String next = hand.take();
    hand.complete(next, 1);
    next = hand.take();
    hand.complete(next, 2);
    next = hand.take();
    hand.complete(next, 3);
    peer.ask("retry", "7");
    assertEquals("4".equals(next) ? "7" : next(), "7");
    hand.complete("7", null);

    stall();
    stallOfScheduler();
    flow();
    delayedParent();
    parentElsewhere();
    reviveChild();
    keepTheLast();
    retryWithPriority();
    withoutVersion();

    add(Map.of("last", 1), Map.of("removeOnComplete", 3));
    hand.complete(next(), Map.of());
    minutesLater();
  }

  /** One number a minute, of an hour at most; and all that was delayed is due. */
  private void minutesLater() {
    for (Duration later :
        List.of(Duration.ofMinutes(1), Duration.ZERO, Duration.ofMinutes(3), Duration.ofHours(2))) {
      pass(later);
      add(Map.of(), Map.of());
      hand.complete(next(), 1);
      add(Map.of(), Map.of());
      hand.fail(next(), "badly", true);
    }
  }

  /** A worker that goes silent, twice. */
  private void stall() {
    String id = add(Map.of("stalls", true), Map.of());
    stallTwice(id, false);
    jedis.hdel("bull:downloads:" + id, "defa");
    assertEquals(id, next());
    hand.complete(id, 1);
  }

  /** It may stall as often as it likes. */
  private void stallOfScheduler() {
    String id = add(Map.of("stalls", true), Map.of());
    stallTwice(id, true);
    assertNull(jedis.hget("bull:downloads:" + id, "defa"));
    assertEquals(id, next());
    hand.complete(id, 1);
  }

  private void stallTwice(String id, boolean ofScheduler) {
    for (int i = 0; i < 2; i++) {
      assertEquals(id, next());
      jedis.del("bull:downloads:" + id + ":lock");
      if (ofScheduler) {
        // Only for the look: a worker that takes such a job makes the next one.
        jedis.hset("bull:downloads:" + id, "rjk", "nightly");
        jedis.hset("bull:downloads:repeat:nightly", "name", "download");
      }
      for (int look = 0; look < 2; look++) {
        hand.stalled();
        await()
            .pollInterval(Duration.ofMillis(30))
            .until(() -> !jedis.exists("bull:downloads:stalled-check"));
      }
      jedis.hdel("bull:downloads:" + id, "rjk");
      jedis.del("bull:downloads:repeat:nightly");
    }
    assertEquals(List.of(id), jedis.lrange("bull:downloads:wait", 0, -1));
  }

  /** Children that end well and badly, and what that means for their parents. */
  private void flow() {
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
        String id = next();
        if (id.startsWith("well")) {
          hand.complete(id, Map.of("ok", true));
        } else {
          hand.fail(id, "badly", false);
        }
      }
    }
  }

  /** A parent that is to wait for longer when its children have ended. */
  private void delayedParent() {
    parent("later", Map.of("delay", 60_000), List.of(child("of-later", Map.of())));
    hand.complete(next(), 1);
  }

  /** A child that fails while its parent waits for something else. */
  private void parentElsewhere() {
    for (int delay : List.of(0, 60_000)) {
      String name = "elsewhere-" + delay;
      parent(name, Map.of("delay", delay), List.of());
      add(
          Map.of(),
          Map.of(
              "jobId",
              "of-" + name,
              "failParentOnFailure",
              true,
              "parent",
              Map.of("id", name, "queue", "bull:parents")));
      hand.fail(next(), "badly", true);
    }
  }

  /** A child that failed, and is set going again: its parent waits for it once more. */
  private void reviveChild() {
    for (String option : List.of("failParentOnFailure", "ignoreDependencyOnFailure")) {
      String id = "revived-" + option;
      parent(
          "of-" + id,
          Map.of(),
          List.of(child(id, Map.of(option, true)), child("sibling-of-" + id, Map.of())));
      List<String> both = List.of(next(), next());
      hand.fail(id, "badly", true);
      hand.revive(id);
      both.forEach(each -> hand.complete(each, 1));
    }
  }

  /** What comes while a job is active, and is to come after it. */
  private void keepTheLast() {
    Map<String, Object> rule = Map.of("id", "last", "keepLastIfActive", true);
    add(Map.of("n", 1), Map.of("deduplication", rule));
    for (Map<String, Object> more :
        List.<Map<String, Object>>of(
            Map.of(), Map.of("priority", 3), Map.of("jobId", "a-name"), Map.of("lifo", true))) {
      String id = next();
      add(Map.of("n", 2), Map.of("deduplication", rule));
      Map<String, Object> options = new java.util.TreeMap<>(more);
      options.put("deduplication", rule);
      add(Map.of("n", 3), options);
      if (more.containsKey("lifo")) {
        hand.fail(id, "badly", true);
      } else {
        hand.complete(id, 1);
      }
    }
    String last = next();
    add(Map.of("n", 4), Map.of("deduplication", rule, "delay", 60_000));
    hand.complete(last, 1);
  }

  private void retryWithPriority() {
    add(Map.of(), Map.of("jobId", "tried-again", "priority", 5, "lifo", true, "attempts", 2));
    assertEquals("tried-again", next());
    add(Map.of(), Map.of("jobId", "behind", "priority", 5));
    hand.fail("tried-again", "badly", false);
    assertEquals("behind", next());
    hand.complete("behind", 1);
    assertEquals("tried-again", next());
    hand.complete("tried-again", 1);
  }

  /** A queue of a 5.x that wrote no version: nothing is lost by its pause. */
  private void withoutVersion() {
    String version = jedis.hget("bull:downloads:meta", "version");
    if (!version.startsWith("bullmq:5.")) {
      return;
    }
    jedis.hdel("bull:downloads:meta", "version");
    add(Map.of(), Map.of("jobId", "before"));
    add(Map.of(), Map.of("jobId", "due", "delay", 50));
    peer.ask("pause");
    pass(Duration.ofMillis(50));
    assertNull(hand.take(), "it is paused");
    assertNull(jedis.zscore("bull:downloads:delayed", "due"), "it is due");
    peer.ask("resume");
    for (String id : List.of("before", "due")) {
      assertEquals(id, next());
      hand.complete(id, 1);
    }
    jedis.hset("bull:downloads:meta", "version", version);
  }

  private void parent(String id, Map<String, Object> options, List<Map<String, Object>> children) {
    Map<String, Object> all = new java.util.TreeMap<>(options);
    all.put("jobId", id);
    peer.ask(
        "flow",
        Map.of("name", "parent", "queueName", "parents", "opts", all, "children", children));
  }

  private static Map<String, Object> child(String id, Map<String, Object> options) {
    Map<String, Object> all = new java.util.TreeMap<>(options);
    all.put("jobId", id);
    return Map.of("name", "child", "queueName", "downloads", "data", Map.of(), "opts", all);
  }

  private static Map<String, Object> backoff(String type, int delay) {
    return Map.of("type", type, "delay", delay);
  }

  private String add(Object data, Object options) {
    pass(Duration.ofMillis(3));
    return peer.ask("add", "download", data, options).textValue();
  }

  private String next() {
    pass(Duration.ofMillis(2));
    String id = hand.take();
    if (id == null) {
      throw new AssertionError("expected a job to take, found none");
    }
    return id;
  }

  /** When it is due, and not a step earlier. */
  private String until() {
    for (int i = 0; i < 100; i++) {
      pass(Duration.ofMillis(10));
      String id = hand.take();
      if (id != null) {
        return id;
      }
    }
    throw new AssertionError("expected a job to be due within a second, found none");
  }

  /** For both of them: what they do in between is done at one moment. */
  private void pass(Duration time) {
    clock.advance(time);
    peer.ask("clock", clock.millis());
  }
}
