package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import servers.Browser;
import servers.BrowserTab;
import servers.NodePeer;
import servers.Shop;

/**
 * The dashboard that shops have for their BullMQ queues, bull-board on express, in a real browser.
 * With {@code -Dscreenshots=<directory>} what it looked like is kept there.
 */
@Tag("node")
class BullBoardTest extends WorkerTest {
  private static Browser browser;
  private NodePeer peer;
  private BrowserTab tab;
  private String board;

  @BeforeAll
  static void startBrowser(@TempDir(cleanup = CleanupMode.ON_SUCCESS) Path home) throws Exception {
    browser = Browser.start(home);
  }

  @AfterAll
  static void endBrowser() {
    browser.close();
  }

  @BeforeEach
  void open() throws Exception {
    startWorker(
        "WAYBILL_QUEUE_SOURCE",
        "bullmq",
        "WAYBILL_RETRY_TRIES",
        "1",
        // One download waits for a word that does not come.
        "WAYBILL_SHUTDOWN_GRACE",
        "100ms");
    peer = NodePeer.start("bullmq", shop.redisServer(), "bull", "downloads", directory);
    board = "http://127.0.0.1:" + peer.ask("board").intValue();
    tab = browser.open();
    tab.size(1200, 720);
  }

  @AfterEach
  void closePeer() {
    if (tab != null) {
      tab.close();
    }
    if (peer != null) {
      peer.close();
    }
  }

  private static String jobId(long taskId) {
    return "task-" + taskId;
  }

  /** As a shop in Node does it. */
  private long order(String status, String conduct) throws Exception {
    long taskId = shop.task(status, Shop.url(conduct));
    peer.ask(
        "add",
        "download",
        Map.of("taskId", taskId, "email", "a@example.com", "courseUrl", Shop.url(conduct)),
        Map.of("jobId", jobId(taskId)));
    return taskId;
  }

  private long failsAtItsUpload() throws Exception {
    shop.breakRclone("move", "exit-7");
    long taskId = order("enrolled", "ok");
    awaitBullmq(taskId, "failed");
    return taskId;
  }

  private void awaitBullmq(long taskId, String state) {
    until(
        () -> peer.ask("state", jobId(taskId)).asText().equals(state),
        "job of task " + taskId + " is " + state);
  }

  private void awaitShown(String text) {
    until(() -> tab.text("body").contains(text), "the board shows " + text);
  }

  /** With the mouse, on the button that is named so. */
  private void click(String button) throws Exception {
    String mark =
        "(() => { const found = [...document.querySelectorAll('button')].find(b => b.checkVisibility()"
            + " && b.innerText.trim() === %s); found?.setAttribute('data-click', ''); return !!found; })()";
    String named = new ObjectMapper().writeValueAsString(button);
    until(() -> tab.eval(mark.formatted(named)).asBoolean(), "a button " + button);
    tab.click("[data-click]");
    tab.eval("document.querySelector('[data-click]')?.removeAttribute('data-click')");
  }

  private void keep(String name) throws Exception {
    String kept = System.getProperty("screenshots");
    if (kept != null) {
      tab.screenshot(Path.of(kept, name + ".png"));
    }
  }

  /** One test, since a shop, a worker and a board take longer to start than all of it. */
  @Test
  void should_show_where_jobs_stand_and_go_on_where_one_stopped_when_its_retry_is_clicked()
      throws Exception {
    long failed = failsAtItsUpload();
    long delivered = order("enrolled", "ok");
    awaitBullmq(delivered, "completed");
    long underWay = order("enrolled", "half");
    long waiting = order("pending", "ok");
    awaitBullmq(waiting, "delayed");

    tab.go(board + "/queue/downloads?status=active");
    awaitShown(jobId(underWay));
    awaitShown("40%");
    keep("bull-board-active");
    tab.go(board + "/queue/downloads?status=delayed");
    awaitShown(jobId(waiting));
    tab.go(board + "/queue/downloads/" + jobId(delivered) + "?status=completed");
    awaitShown(jobId(delivered));
    click("Logs");
    awaitShown("55.5%");
    keep("bull-board-log");

    tab.go(board + "/queue/downloads?status=failed");
    awaitShown(jobId(failed));
    awaitShown("exit code 7");
    keep("bull-board-failed");
    tab.click("ul[class^=jobActions] li:first-child button");
    awaitShown("Are you sure that you want to retry this job?");
    click("Confirm");

    awaitBullmq(failed, "completed");
    assertEquals("completed", shop.status(failed));
    assertEquals(1, shop.downloads(failed), "downloads");
    assertEquals(2, shop.rcloneRuns("move", "Course " + failed), "uploads");
    assertEquals(1, shop.webhook().calls(failed).size(), "webhooks");
    tab.go(board + "/queue/downloads?status=completed");
    awaitShown(jobId(failed));
  }
}
