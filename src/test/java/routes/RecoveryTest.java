package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import routes.job.Flight;
import routes.job.JobLost;
import routes.job.Sandbox;
import servers.Shop;

class RecoveryTest extends WorkerTest {
  /** As if the worker that has the job had been silent for an hour. */
  private void forgetOwner(long taskId) throws Exception {
    shop.update(
        "UPDATE waybill_worker SET seen_at = seen_at - INTERVAL 1 HOUR WHERE id = ?",
        shop.ledger("owner", taskId));
  }

  @Test
  void should_stop_in_the_middle_of_its_start() throws Exception {
    WorkerProcess worker = newWorker();
    Thread starter =
        new Thread(
            () -> {
              try {
                worker.start();
              } catch (Exception stoppedMeanwhile) {
                // also an end that leaves nothing running
              }
            });
    starter.start();
    until(() -> worker.camel() != null, "the routes are being built");

    worker.stop();
    starter.join();

    assertTrue(worker.camel().isStopped());
    assertEquals("0", shop.query("SELECT COUNT(*) FROM waybill_worker WHERE gone_at IS NULL"));
  }

  @Test
  void should_fence_every_write_of_a_worker_that_lost_the_job() throws Exception {
    WorkerProcess worker = newWorker("WAYBILL_SHUTDOWN_GRACE", "0s");
    worker.start();
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    Flight stale = worker.parts().flights().all().iterator().next();
    stale.downloaded("x", new routes.job.Manifest(null, List.of()));
    shop.update("UPDATE waybill_job SET token = token + 1 WHERE task_id = ?", taskId);

    for (Runnable write :
        List.<Runnable>of(
            () -> worker.parts().ledger().downloaded(stale),
            () -> worker.parts().ledger().uploaded(stale),
            () -> worker.parts().ledger().done(stale),
            () -> worker.parts().ledger().tryFailed(stale, "x"),
            () -> worker.parts().ledger().bury(stale, "x", "x", false))) {
      org.junit.jupiter.api.Assertions.assertThrows(JobLost.class, write::run);
    }
    assertFalse(worker.parts().ledger().handBack(stale, java.time.Duration.ZERO));
    assertEquals("enrolled", shop.status(taskId));
    assertEquals("enrolled", shop.ledger("stage", taskId));
    assertEquals("running", shop.ledger("state", taskId));
  }

  @Test
  void should_look_for_orphaned_jobs_without_standing_in_the_way_of_those_that_run()
      throws Exception {
    WorkerProcess worker = startWorker();
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");

    try (Connection busy = shop.connect()) {
      busy.setAutoCommit(false);
      try (PreparedStatement write =
          busy.prepareStatement(
              "UPDATE waybill_job SET updated_at = updated_at WHERE task_id = ?")) {
        write.setLong(1, taskId);
        write.executeUpdate();
      }
      int freed =
          assertTimeoutPreemptively(
              Duration.ofSeconds(20), () -> worker.parts().workers().freeOrphanedJobs());
      assertEquals(0, freed);
      busy.rollback();
    }
    shop.goOn(taskId);
    until(() -> shop.ledger("state", taskId).equals("done"), "it is delivered");
  }

  @Test
  void should_free_a_job_whose_owner_is_in_no_book() throws Exception {
    WorkerProcess worker = newWorker();
    worker.start();
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");

    shop.update("UPDATE waybill_job SET owner = 'nobody' WHERE task_id = ?", taskId);

    until(
        () -> Integer.parseInt(shop.ledger("crashes", taskId)) == 1,
        "it is freed as after a crash");
    shop.goOn(taskId);
    until(() -> shop.ledger("state", taskId).equals("done"), "it is delivered");
  }

  @Test
  void should_begin_a_new_life_when_it_was_taken_for_dead() throws Exception {
    WorkerProcess worker = startWorker("WAYBILL_LEASE", "3s");
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    String first = worker.parts().lease().worker().id();

    shop.update("UPDATE waybill_worker SET gone_at = UTC_TIMESTAMP(6)");

    until(() -> !worker.parts().lease().worker().id().equals(first), "a new id");
    shop.goOn(taskId);
    awaitState(taskId, "done");
    assertEquals(1, shop.webhook().calls(taskId).size());
  }

  @Test
  void should_bury_a_job_that_three_workers_died_of() throws Exception {
    long taskId = shop.order("gated");
    for (int i = 1; i <= 3; i++) {
      var jar = startJar();
      int run = i;
      until(() -> shop.downloads(taskId) == run, "run " + run);
      jar.signal("KILL");
      until(() -> !jar.isAlive(), "it is dead");
      forgetOwner(taskId);
    }

    startWorker();

    awaitState(taskId, "dead");
    assertEquals(3, shop.downloads(taskId));
    assertEquals("failed", shop.status(taskId));
    assertTrue(shop.errorLog(taskId).contains("3 workers died with this job in hand"));
  }

  @Test
  void should_not_count_crashes_of_long_ago() throws Exception {
    WorkerProcess worker = newWorker("WAYBILL_SHUTDOWN_GRACE", "0s");
    worker.start();
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    worker.stop();
    shop.update(
        "UPDATE waybill_job SET state = 'running', owner = 'nobody', crashes = 2,"
            + " first_crash_at = UTC_TIMESTAMP(6) - INTERVAL 73 HOUR WHERE task_id = ?",
        taskId);
    shop.goOn(taskId);

    startWorker();

    awaitState(taskId, "done");
    assertEquals("1", shop.ledger("crashes", taskId));
  }

  @Test
  void should_download_anew_on_a_host_that_has_no_files() throws Exception {
    WorkerProcess worker = startWorker("WAYBILL_UPLOAD_RETRY_DELAY", "10m");
    shop.breakRclone("move", "half");
    long taskId = shop.order("ok");
    awaitEvent(taskId, "UPLOAD_ERROR");
    worker.stop();
    new Sandbox(shop.sandbox(taskId)).delete();

    startWorker();

    awaitState(taskId, "done");
    assertEquals(2, shop.downloads(taskId));
    assertEquals(Shop.expected(taskId), shop.delivered());
    assertTrue(shop.eventNames(taskId).contains("RECOVERED"));
  }

  @Test
  void should_keep_a_job_for_the_host_that_has_its_files() throws Exception {
    WorkerProcess worker =
        startWorker("WAYBILL_RECOVERY_PREFER_SAME_HOST", "1h", "WAYBILL_SHUTDOWN_GRACE", "0s");
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    worker.stop();
    shop.goOn(taskId);
    assertEquals("ready", shop.ledger("state", taskId));
    shop.update("UPDATE waybill_job SET host = 'elsewhere' WHERE task_id = ?", taskId);

    WorkerProcess second = startWorker();
    assertTrue(second.parts().ledger().claim(taskId, second.parts().lease().worker()).isEmpty());

    shop.update("UPDATE waybill_job SET prefer_until = UTC_TIMESTAMP(6) WHERE task_id = ?", taskId);
    awaitState(taskId, "done");
  }

  @Test
  void should_take_in_what_is_enrolled_and_never_came() throws Exception {
    long taskId = shop.task("enrolled", Shop.url("ok"));
    shop.update("UPDATE download_tasks SET updated_at = NOW() - INTERVAL 1 HOUR");
    long fresh = shop.task("enrolled", Shop.url("ok"));
    startWorker("WAYBILL_RECONCILE_UNSEEN", "true");

    awaitState(taskId, "done");

    assertEquals("enrolled", shop.status(fresh));
  }

  @Test
  void should_remove_sandboxes_that_nobody_owns() throws Exception {
    WorkerProcess worker = startWorker("WAYBILL_RETRY_TRIES", "1", "WAYBILL_STAGING_KEEP", "1h");
    long dead = shop.order("fails-always");
    long longDead = shop.order("fails-always");
    long done = shop.order("ok");
    long running = shop.order("gated");
    awaitState(dead, "dead");
    awaitState(longDead, "dead");
    awaitState(done, "done");
    awaitEvent(running, "DOWNLOAD_START");
    shop.update(
        "UPDATE waybill_job SET finished_at = finished_at - INTERVAL 2 HOUR WHERE task_id = ?",
        longDead);
    new Sandbox(shop.sandbox(done)).create("delivery-1");
    new Sandbox(shop.sandbox(987654)).create("delivery-1");

    worker.parts().sandboxes().sweep();

    assertTrue(Files.exists(shop.sandbox(dead)));
    assertTrue(Files.exists(shop.sandbox(running)));
    assertTrue(Files.exists(shop.sandbox(987654)));
    assertFalse(Files.exists(shop.sandbox(longDead)));
    assertFalse(Files.exists(shop.sandbox(done)));
    shop.goOn(running);
    awaitState(running, "done");
  }

  @Test
  void should_lose_nothing_when_redis_is_flushed() throws Exception {
    startWorker();
    long running = shop.order("gated");
    long waiting = shop.task("pending", Shop.url("ok"));
    shop.push(waiting, Shop.url("ok"));
    awaitEvent(running, "DOWNLOAD_START");
    awaitState(waiting, "waiting");

    shop.redis().flushAll();
    shop.setStatus(waiting, "enrolled");
    shop.goOn(running);

    awaitState(running, "done");
    awaitState(waiting, "done");
  }

  @Test
  void should_begin_no_download_while_the_disk_is_full_but_let_go_on_what_makes_room()
      throws Exception {
    WorkerProcess before = startWorker("WAYBILL_RETRY_TRIES", "1");
    long downloaded = diesAtItsUpload();
    before.stop();
    WorkerProcess worker = startWorker("WAYBILL_DISK_MIN_FREE", "1000TiB");
    long taskId = shop.order("ok");
    awaitState(taskId, "ready");
    until(() -> log().contains("No download begins"), "it says so");

    worker.parts().desk().retry(downloaded, null, "test");
    awaitState(downloaded, "done");

    assertEquals("ready", shop.ledger("state", taskId));
    assertEquals(0, shop.downloads(taskId));
    // It is not this worker's to hear of: another one, with room, would.
    assertEquals(1, shop.redis().zcard("waybill:ready"));
    worker.stop();

    startWorker();
    awaitState(taskId, "done");
  }

  @Test
  void should_end_a_job_that_outgrows_its_sandbox() throws Exception {
    startWorker("WAYBILL_SANDBOX_MAX_SIZE", "10B");
    long taskId = shop.order("ok");

    awaitState(taskId, "dead");

    assertTrue(shop.errorLog(taskId).contains("waybill.sandbox.max-size"), shop.errorLog(taskId));
    assertEquals(1, shop.downloads(taskId));
  }
}
