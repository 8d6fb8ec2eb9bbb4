package torture;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A short run of what {@code ./waybill torture} does at length. */
class TortureTest {
  private final ByteArrayOutputStream text = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(text, true, StandardCharsets.UTF_8);

  @Test
  void should_lose_nothing_and_deliver_nothing_twice() throws Exception {
    boolean well = Torture.run(200, 14, 1, Duration.ofSeconds(60), "list,bullmq", false, out);

    assertTrue(well, text.toString(StandardCharsets.UTF_8));
  }

  @Test
  void should_end_right_wherever_a_worker_stumbles_after_the_webhook() throws Exception {
    boolean well =
        new Failpoints(Torture.directory("failpoints"), "list", out)
            .run("WebhookAnswer.process after");

    assertTrue(well, text.toString(StandardCharsets.UTF_8));
  }
}
