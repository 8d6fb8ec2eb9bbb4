package routes.bullmq;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a producer's options mean to a worker; no Redis is needed for that. */
class WorkerOptionsTest {
  private final BackoffRule rule = BackoffRule.standard((job, attempt) -> Duration.ofHours(1));

  private static BullJob job(String options) {
    return new BullJob(
        "1", "download", "{}", BullJob.json(options), 0, 1, 0, 0, null, null, 0, null);
  }

  private long after(String backoff, int attempt) {
    return rule.after(job("{\"backoff\":" + backoff + "}"), attempt).toMillis();
  }

  @Test
  void should_wait_as_the_producer_says() {
    assertEquals(0, rule.after(job("{}"), 1).toMillis());
    assertEquals(700, after("700", 3));
    assertEquals(500, after("{\"type\":\"fixed\",\"delay\":500}", 3));
    assertEquals(500, after("{\"type\":\"exponential\",\"delay\":500}", 1));
    assertEquals(4000, after("{\"type\":\"exponential\",\"delay\":500}", 4));
    assertEquals(3_600_000, after("{\"type\":\"ours\"}", 1));
    for (int i = 0; i < 100; i++) {
      long pause = after("{\"type\":\"exponential\",\"delay\":1000,\"jitter\":0.5}", 2);
      assertTrue(pause >= 1000 && pause <= 2000, "found " + pause);
    }
  }

  @Test
  void should_keep_what_the_producer_says() {
    Keep own = Keep.lasting(Duration.ofDays(1));
    assertEquals(own, own.unless(BullJob.json("{}").path("removeOnComplete")));
    assertEquals(new Keep(0, null), own.unless(BullJob.json("true")));
    assertEquals(Keep.ALL, own.unless(BullJob.json("false")));
    assertEquals(new Keep(7, null), own.unless(BullJob.json("7")));
    assertEquals(
        new Keep(9, Duration.ofHours(1)), own.unless(BullJob.json("{\"count\":9,\"age\":3600}")));
  }

  @Test
  void should_give_back_json_as_it_is_and_text_as_text() throws Exception {
    assertEquals("{\"ok\":1}", ReturnValue.of("{\"ok\":1}"));
    assertEquals("\"done\"", ReturnValue.of("done"));
    assertEquals("\"{ok}\"", ReturnValue.of("{ok}"));
    assertEquals("null", ReturnValue.of(null));
    assertEquals("[1,2]", ReturnValue.of(List.of(1, 2)));
  }

  @Test
  void should_refuse_to_add_what_bullmq_would_refuse() {
    assertThrows(IllegalArgumentException.class, () -> NewJob.named("a:b"));
    assertThrows(IllegalArgumentException.class, () -> NewJob.named("12"));
  }

  @Test
  void should_stand_by_itself() throws Exception {
    try (Stream<Path> files = Files.list(Path.of("src/main/java/routes/bullmq"))) {
      for (Path file : files.toList()) {
        String text = Files.readString(file);
        assertEquals(List.of(), text.lines().filter(l -> l.startsWith("import routes.")).toList());
      }
    }
  }
}
