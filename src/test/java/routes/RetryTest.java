package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.apache.camel.builder.AdviceWith;
import org.junit.jupiter.api.Test;
import servers.Shop;
import servers.WebhookReceiver.Answer;

/** Only the stage that failed is tried again: the runs of the others are counted. */
class RetryTest extends WorkerTest {
  private void assertRuns(long taskId, int downloads, int moves, int webhooks) throws Exception {
    assertEquals(downloads, shop.downloads(taskId), "downloads");
    assertEquals(moves, shop.rcloneRuns("move", "Course " + taskId), "moves");
    assertEquals(webhooks, shop.webhook().calls(taskId).size(), "webhooks");
  }

  private void startAgain(long taskId, String conduct) throws Exception {
    shop.setStatus(taskId, "enrolled");
    shop.push(taskId, Shop.url(conduct));
  }

  @Test
  void should_try_a_download_again_in_the_same_sandbox() throws Exception {
    startWorker();
    long taskId = shop.order("resumes");

    awaitState(taskId, "done");

    assertRuns(taskId, 2, 1, 1);
    assertEquals("kept from the first try\n", shop.delivered().get("Course " + taskId + "/a.txt"));
    List<String> events = shop.eventNames(taskId);
    assertEquals(1, events.stream().filter(e -> e.equals("DOWNLOAD_ERROR")).count());
    assertEquals(1, events.stream().filter(e -> e.equals("RETRY")).count());
    assertTrue(shop.taskLog(taskId).contains("download try 2 by worker"));
  }

  @Test
  void should_bury_a_download_when_its_tries_are_used_up() throws Exception {
    startWorker();
    long taskId = shop.order("fails-always");

    awaitState(taskId, "dead");

    assertRuns(taskId, 3, 0, 0);
    assertEquals("failed", shop.status(taskId));
    assertEquals("enrolled", shop.ledger("stage", taskId));
    assertTrue(
        shop.errorLog(taskId)
            .startsWith(
                "stage: download\nreason: The downloader ended with exit code 9\ntries: 3"));
    assertTrue(shop.errorLog(taskId).contains("at routes."));
    assertTrue(Files.isDirectory(shop.sandbox(taskId)), "files are kept");
    assertTrue(shop.taskLog(taskId).contains("no luck"));
    awaitEvent(taskId, "DEAD");
  }

  @Test
  void should_try_an_upload_again_without_another_download() throws Exception {
    startWorker();
    shop.breakRclone("move", "exit-5");
    long taskId = shop.order("ok");

    awaitState(taskId, "done");

    assertRuns(taskId, 1, 2, 1);
    assertEquals(Shop.expected(taskId), shop.delivered());
  }

  @Test
  void should_bury_an_upload_and_go_on_from_there_when_pushed_again() throws Exception {
    startWorker();
    shop.breakRclone("move", "exit-5", "exit-5", "exit-5");
    long taskId = shop.order("ok");
    awaitState(taskId, "dead");
    assertRuns(taskId, 1, 3, 0);
    assertEquals("downloaded", shop.ledger("stage", taskId));
    assertEquals("failed", shop.status(taskId));

    startAgain(taskId, "ok");

    awaitState(taskId, "done");
    assertRuns(taskId, 1, 4, 1);
    assertEquals("completed", shop.status(taskId));
    assertEquals(Shop.expected(taskId), shop.delivered());
  }

  @Test
  void should_bury_an_upload_at_once_when_rclone_says_it_is_final() throws Exception {
    startWorker();
    shop.breakRclone("move", "exit-7");
    long taskId = shop.order("ok");

    awaitState(taskId, "dead");

    assertRuns(taskId, 1, 1, 0);
    assertTrue(shop.errorLog(taskId).contains("exit code 7 (fatal error)"));
  }

  @Test
  void should_try_a_webhook_again_without_another_upload() throws Exception {
    startWorker();
    long taskId = shop.task("enrolled", Shop.url("ok"));
    shop.webhook().answer(taskId, Answer.of(500));
    shop.push(taskId, Shop.url("ok"));

    awaitState(taskId, "done");

    assertRuns(taskId, 1, 1, 2);
  }

  @Test
  void should_bury_a_webhook_and_go_on_from_there_when_pushed_again() throws Exception {
    startWorker();
    long taskId = shop.task("enrolled", Shop.url("ok"));
    shop.webhook().answer(taskId, Answer.of(503), Answer.of(503), Answer.of(503));
    shop.push(taskId, Shop.url("ok"));
    awaitState(taskId, "dead");
    assertRuns(taskId, 1, 1, 3);
    assertEquals("failed", shop.status(taskId));
    assertTrue(Files.isDirectory(shop.sandbox(taskId)), "the sandbox stays until a 2xx");

    startAgain(taskId, "ok");

    awaitState(taskId, "done");
    assertRuns(taskId, 1, 1, 4);
    assertEquals("completed", shop.status(taskId));
    assertEquals(1, shop.webhook().calls(taskId).stream().map(c -> c.id()).distinct().count());
  }

  @Test
  void should_download_anew_when_the_course_is_another_one_now() throws Exception {
    startWorker();
    shop.breakRclone("move", "exit-7");
    long taskId = shop.order("ok");
    awaitState(taskId, "dead");

    shop.update("UPDATE download_tasks SET course_url = ? WHERE id = ?", Shop.url("new"), taskId);
    startAgain(taskId, "new");

    awaitState(taskId, "done");
    assertRuns(taskId, 2, 2, 1);
  }

  @Test
  void should_deliver_even_if_the_sandbox_cannot_be_removed() throws Exception {
    WorkerProcess worker = startWorker();
    // As root, no file of ours is beyond removal: the fault has to be put in.
    AdviceWith.adviceWith(
        worker.camel(),
        RouteNames.REMOVE_SANDBOX,
        route -> route.weaveById("remove-files").replace().throwException(new IOException("busy")));
    long taskId = shop.order("ok");

    awaitState(taskId, "done");

    assertEquals("completed", shop.status(taskId));
    assertRuns(taskId, 1, 1, 1);
    awaitEvent(taskId, "CLEANUP");
  }

  @Test
  void should_not_deliver_what_an_earlier_delivery_left() throws Exception {
    startWorker("WAYBILL_RETRY_TRIES", "1");
    long taskId = shop.order("two");
    awaitState(taskId, "dead");

    shop.update("UPDATE download_tasks SET course_url = ? WHERE id = ?", Shop.url("ok"), taskId);
    startAgain(taskId, "ok");

    awaitState(taskId, "done");
    assertEquals(Shop.expected(taskId), shop.delivered());
  }

  @Test
  void should_notify_when_a_dead_webhook_waits_for_its_enrolment_again() throws Exception {
    startWorker();
    long taskId = shop.task("enrolled", Shop.url("ok"));
    shop.webhook().answer(taskId, Answer.of(400));
    shop.push(taskId, Shop.url("ok"));
    awaitState(taskId, "dead");

    shop.setStatus(taskId, "paid");
    shop.push(taskId, Shop.url("ok"));
    awaitState(taskId, "waiting");
    shop.setStatus(taskId, "enrolled");

    awaitState(taskId, "done");
    assertRuns(taskId, 1, 1, 2);
    assertEquals("completed", shop.status(taskId));
  }

  @Test
  void should_bury_even_if_the_shop_s_error_log_cannot_hold_the_report() throws Exception {
    shop.update("ALTER TABLE download_tasks MODIFY error_log VARCHAR(300) CHARACTER SET latin1");
    startWorker();
    long taskId = shop.order("fails-always");

    awaitState(taskId, "dead");

    assertEquals("failed", shop.status(taskId));
    assertTrue(shop.errorLog(taskId).startsWith("stage: download"));
  }

  @Test
  void should_count_tries_over_a_restart() throws Exception {
    WorkerProcess first = startWorker("WAYBILL_RETRY_DELAY", "10m");
    long taskId = shop.order("fails-always");
    until(() -> "1".equals(shop.ledger("attempts", taskId)), "the first try has failed");

    long stopped = System.nanoTime();
    first.stop();

    assertTrue(System.nanoTime() - stopped < 60_000_000_000L, "a stop waits for no pause");
    assertEquals("ready", shop.ledger("state", taskId));
    startWorker();
    awaitState(taskId, "dead");
    assertEquals(3, shop.downloads(taskId));
  }
}
