package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What can be changed in the file of the settings while the worker runs. */
class LiveSettingsTest extends WorkerTest {
  private Path file;

  private WorkerProcess start(String text) throws Exception {
    file = directory.resolve("live.properties");
    write(text);
    return startWorker("WAYBILL_CONFIG", file.toString());
  }

  /** As an editor does it: never half written. */
  private void write(String text) throws Exception {
    Path next = directory.resolve("next.properties");
    Files.writeString(next, text);
    Files.move(next, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
  }

  private long running() throws Exception {
    return Long.parseLong(shop.query("SELECT COUNT(*) FROM waybill_job WHERE state = 'running'"));
  }

  private List<Long> gated(int number) throws Exception {
    List<Long> tasks = new ArrayList<>();
    for (int i = 0; i < number; i++) {
      long taskId = shop.order("gated");
      until(() -> shop.ledger("state", taskId) != null, "they are entered in this order");
      tasks.add(taskId);
    }
    return tasks;
  }

  @Test
  void should_run_more_jobs_at_once_and_fewer_again() throws Exception {
    WorkerProcess worker = start("waybill.workers = 1\n");
    List<Long> tasks = gated(10);
    until(() -> running() == 1, "one slot");

    write("waybill.workers = 4\n");
    until(() -> running() == 4, "four slots");
    assertEquals(9, worker.parts().database().getMaximumPoolSize());

    write("# fewer again\nwaybill.workers = 2\n");
    until(() -> worker.parts().tuning().workers() == 2, "it is taken over");
    assertEquals(4, running(), "what runs goes on");
    for (int i = 0; i < 3; i++) {
      shop.goOn(tasks.get(i));
      awaitState(tasks.get(i), "done");
    }
    until(
        () -> running() == 2 && started() == 5,
        "of the first four one is left, and one has taken its turn");
    tasks.forEach(taskId -> goOn(taskId));
    tasks.forEach(taskId -> awaitState(taskId, "done"));
    long last = shop.order("ok");
    awaitState(last, "done");
  }

  private long started() throws Exception {
    return shop.events().stream()
        .filter(event -> event.path("event").asText().equals("DOWNLOAD_START"))
        .count();
  }

  private void goOn(long taskId) {
    try {
      shop.goOn(taskId);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void should_change_limits_and_rates() throws Exception {
    WorkerProcess worker = start("waybill.limit.downloads = 1\n");
    List<Long> tasks = gated(3);
    until(() -> running() == 1, "one download");

    write("waybill.limit.downloads = 2\nwaybill.rate.max = 1000\nwaybill.rate.interval = 7m\n");

    until(() -> running() == 2, "two downloads");
    assertEquals(7, worker.parts().tuning().rate().interval().toMinutes());
    tasks.forEach(taskId -> goOn(taskId));
    tasks.forEach(taskId -> awaitState(taskId, "done"));
    assertTrue(shop.redis().exists("waybill:starts"), "the rate is counted now");
  }

  @Test
  void should_stay_as_it_was_when_the_file_is_wrong() throws Exception {
    WorkerProcess worker = start("waybill.workers = 2\n");

    write("waybill.workers = many\n");

    until(
        () ->
            log().contains("waybill.workers: expected a whole number from 1 to 1000, found 'many'"),
        "it says what is wrong");
    assertEquals(2, worker.parts().tuning().workers());
    long taskId = shop.order("ok");
    awaitState(taskId, "done");
    write("waybill.workers = 3\n");
    until(() -> worker.parts().tuning().workers() == 3, "it looks again");
  }

  @Test
  void should_say_what_needs_a_restart() throws Exception {
    start("waybill.workers = 2\n");

    write("waybill.workers = 2\nwaybill.cache.ttl = 1h\n");

    until(() -> log().contains("waybill.cache.ttl has changed"), "it names the key");
  }
}
