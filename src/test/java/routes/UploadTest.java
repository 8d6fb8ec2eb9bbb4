package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import servers.Shop;

class UploadTest extends WorkerTest {
  @Test
  void should_finish_a_move_that_stopped_half_way() throws Exception {
    WorkerProcess worker = startWorker("WAYBILL_UPLOAD_RETRY_DELAY", "10m");
    shop.breakRclone("move", "half");
    long taskId = shop.order("ok");
    awaitEvent(taskId, "UPLOAD_ERROR");
    Map<String, String> there = new TreeMap<>(shop.delivered());
    Map<String, String> here = Shop.tree(shop.sandbox(taskId));
    assertEquals(1, there.size(), () -> "at the remote: " + there);
    assertEquals(1, here.size(), () -> "still here: " + here);
    Map<String, String> both = new TreeMap<>(there);
    both.putAll(here);
    assertEquals(Shop.expected(taskId), both);
    assertEquals("enrolled", shop.status(taskId));
    worker.stop();

    startWorker();

    awaitState(taskId, "done");
    assertEquals(Shop.expected(taskId), shop.delivered());
    assertEquals(1, shop.downloads(taskId));
    assertEquals("completed", shop.status(taskId));
  }

  @Test
  void should_not_take_a_half_done_move_for_done() throws Exception {
    startWorker();
    shop.breakRclone("move", "half");
    long taskId = shop.order("ok");

    awaitState(taskId, "done");

    assertEquals(2, shop.rcloneRuns("move", "Course " + taskId));
    assertEquals(Shop.expected(taskId), shop.delivered());
  }

  @Test
  void should_only_verify_when_everything_has_moved_already() throws Exception {
    startWorker("WAYBILL_UPLOAD_RETRY_DELAY", "300ms");
    shop.breakRclone("list", "exit-5");
    long taskId = shop.order("ok");

    awaitState(taskId, "done");

    assertEquals(Shop.expected(taskId), shop.delivered());
    assertEquals(2, shop.rcloneRuns("list", "Course " + taskId));
  }

  @Test
  void should_read_a_listing_to_its_end() throws Exception {
    startWorker();
    shop.breakRclone("list", "late");
    long taskId = shop.order("ok");

    awaitState(taskId, "done");

    assertEquals(1, shop.rcloneRuns("list", "Course " + taskId));
    assertEquals("0", shop.ledger("attempts", taskId));
  }

  @Test
  void should_download_anew_when_pushed_again_after_files_were_lost() throws Exception {
    startWorker();
    shop.breakRclone("move", "half", "gated");
    long taskId = shop.order("ok");
    awaitEvent(taskId, "UPLOAD_ERROR");
    until(() -> shop.rcloneRuns("move", "Course " + taskId) == 2, "it is tried again");
    for (String file : shop.delivered().keySet()) {
      shop.drive().delete("deliveries/" + file);
    }
    shop.goOn("move");

    awaitState(taskId, "dead");

    assertTrue(shop.errorLog(taskId).contains("not there"), shop.errorLog(taskId));
    assertTrue(shop.webhook().calls(taskId).isEmpty());
    shop.setStatus(taskId, "enrolled");
    shop.push(taskId, Shop.url("ok"));
    awaitState(taskId, "done");
    assertEquals(2, shop.downloads(taskId));
    assertEquals(Shop.expected(taskId), shop.delivered());
  }

  @Test
  void should_compare_hashes_of_a_kind_that_the_remote_knows() throws Exception {
    startWorker("WAYBILL_UPLOAD_VERIFY", "hash", "RCLONE_REMOTE", "disk");
    long taskId = shop.order("ok");

    awaitState(taskId, "done");

    assertEquals(Shop.expected(taskId), shop.delivered());
    assertTrue(shop.ledger("manifest", taskId).matches(".*\"hash\":\"(md5|sha1|sha256)\".*"));
  }

  @Test
  void should_say_that_a_remote_knows_no_hash() throws Exception {
    startWorker("WAYBILL_UPLOAD_VERIFY", "hash");
    long taskId = shop.order("ok");

    awaitState(taskId, "dead");

    assertTrue(
        shop.errorLog(taskId).contains("waybill.upload.verify: expected a remote that knows"));
  }

  @Test
  void should_not_list_the_remote_when_told_not_to_verify() throws Exception {
    startWorker("WAYBILL_UPLOAD_VERIFY", "none");
    long taskId = shop.order("ok");

    awaitState(taskId, "done");

    assertEquals(0, shop.rcloneRuns("list", "Course " + taskId));
    assertEquals(Shop.expected(taskId), shop.delivered());
  }

  @Test
  void should_move_names_that_look_like_options_and_remotes() throws Exception {
    startWorker();
    for (String name : new String[] {"-P --config", "a:b", "..hidden", "x'; $(id) `id` &"}) {
      long taskId = shop.task("enrolled", Shop.url("named-x"));
      Files.writeString(shop.staging().resolve("name-" + taskId), name);
      shop.push(taskId, Shop.url("named-x"));

      awaitState(taskId, "done");

      assertTrue(shop.delivered().containsKey(name + "/a.txt"), name);
      assertFalse(Files.exists(shop.sandbox(taskId)));
    }
  }
}
