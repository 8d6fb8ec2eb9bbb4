package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Clock;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.health.HealthCheck;
import org.junit.jupiter.api.Test;
import routes.bullmq.BullQueue;
import routes.bullmq.NewJob;
import routes.monitoring.Readiness;
import servers.Ports;
import servers.RedisServer;
import servers.Shop;

/** Stores that go away are waited for: nothing dies, nothing is lost, no try is used up. */
class OutageTest extends WorkerTest {
  @Override
  Shop newShop() throws Exception {
    return Shop.openAlone(directory);
  }

  @Test
  void should_go_on_when_redis_comes_back() throws Exception {
    startWorker("WAYBILL_REDIS_TIMEOUT", "500ms");
    long taskId = shop.order("gated");
    long pending = shop.task("pending", Shop.url("ok"));
    shop.push(pending, Shop.url("ok"));
    awaitEvent(taskId, "DOWNLOAD_START");
    awaitState(pending, "waiting");

    shop.redisServer().kill();
    until(() -> log().contains("Redis cannot be reached"), "it says so");
    shop.goOn(taskId);
    awaitState(taskId, "done");
    shop.setStatus(pending, "enrolled");
    awaitState(pending, "ready");

    shop.redisServer().start();
    awaitState(pending, "done");
    until(
        () -> {
          shop.redis().lpush(Shop.INBOX, "poison");
          return true;
        },
        "the test's own connection is back");
    long later = shop.order("ok");
    awaitState(later, "done");
    assertTrue(log().contains("Redis is back"));
  }

  @Test
  void should_hear_the_enrolment_channel_again_after_an_outage() throws Exception {
    startWorker("WAYBILL_ENROLMENT_POLL", "10m", "WAYBILL_REDIS_TIMEOUT", "500ms");
    long taskId = shop.task("pending", Shop.url("ok"));
    shop.push(taskId, Shop.url("ok"));
    awaitState(taskId, "waiting");

    shop.redisServer().kill();
    shop.redisServer().start();
    shop.setStatus(taskId, "enrolled");

    until(
        () -> {
          shop.redis().publish("waybill:enrolled", String.valueOf(taskId));
          return "done".equals(shop.ledger("state", taskId));
        },
        "the subscription is back");
  }

  @Test
  void should_end_its_subscriptions_though_messages_keep_coming() throws Exception {
    WorkerProcess worker = startWorker("WAYBILL_HTTP_PORT", String.valueOf(Ports.free()));
    AtomicBoolean on = new AtomicBoolean(true);
    Thread others =
        new Thread(
            () -> {
              while (on.get()) {
                shop.redis().publish("waybill:events", "{}");
              }
            },
            "others");
    others.start();

    worker.stop();

    on.set(false);
    others.join();
    assertFalse(log().contains("aborted"), log());
    assertFalse(log().contains("does not answer"), "a stop says nothing about the remote");
  }

  @Test
  void should_stop_while_redis_is_away() throws Exception {
    WorkerProcess worker = startWorker("WAYBILL_REDIS_TIMEOUT", "500ms");
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    shop.redisServer().kill();
    until(() -> log().contains("Redis cannot be reached"), "it says so");

    Thread stop = new Thread(worker::stop, "stop");
    stop.start();
    until(() -> log().contains("Stopping"), "it stops");
    shop.goOn(taskId);
    until(() -> !stop.isAlive(), "it has stopped");

    assertEquals("ready", shop.ledger("state", taskId), "it is handed back");
    assertEquals("downloaded", shop.ledger("stage", taskId));
    shop.redisServer().start();
  }

  @Test
  void should_not_be_ready_while_a_store_is_away() throws Exception {
    WorkerProcess worker =
        startWorker("WAYBILL_WATCH_PERIOD", "100ms", "WAYBILL_REDIS_TIMEOUT", "500ms");
    until(() -> trouble(worker).isEmpty(), "it is ready");

    shop.redisServer().kill();
    until(() -> trouble(worker).equals(List.of("redis")), "it misses Redis");
    shop.redisServer().start();
    until(() -> trouble(worker).isEmpty(), "it is ready again");

    shop.database().kill();
    until(() -> trouble(worker).contains("database"), "it misses the database");
    shop.database().start();
    until(() -> trouble(worker).isEmpty(), "it is ready again");
  }

  private static List<String> trouble(WorkerProcess worker) {
    return Readiness.checks(worker.parts().settings(), worker.parts().watch(), () -> false).stream()
        .filter(check -> check.call().getState() != HealthCheck.State.UP)
        .map(HealthCheck::getId)
        .toList();
  }

  @Test
  void should_wait_for_the_database_without_failing_a_job() throws Exception {
    startWorker("WAYBILL_DB_TIMEOUT", "1s");
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    long queued = shop.task("enrolled", Shop.url("ok"));

    shop.database().kill();
    shop.goOn(taskId);
    shop.push(queued, Shop.url("ok"));
    until(() -> log().contains("The database cannot be reached"), "it says so");
    shop.database().start();

    awaitState(taskId, "done");
    awaitState(queued, "done");
    assertEquals(1, shop.downloads(taskId));
    assertEquals("completed", shop.status(taskId));
    assertTrue(shop.eventNames(taskId).stream().noneMatch(e -> e.endsWith("_ERROR")));
    assertEquals("0", shop.query("SELECT SUM(attempts) FROM waybill_job"));
  }

  @Test
  void should_keep_the_locks_of_its_bullmq_jobs_while_the_database_is_away() throws Exception {
    startWorker(
        "WAYBILL_QUEUE_SOURCE", "bullmq",
        "WAYBILL_DB_TIMEOUT", "1s",
        "WAYBILL_LEASE", "5m",
        "WAYBILL_BULLMQ_LOCK_RENEW_TIME", "300ms");
    long runs = shop.task("enrolled", Shop.url("gated"));
    queue().add("download", Shop.payload(runs, Shop.url("gated")), NewJob.named("runs"));
    long fresh = shop.task("enrolled", Shop.url("ok"));
    awaitEvent(runs, "DOWNLOAD_START");

    shop.database().kill();
    queue().add("download", Shop.payload(fresh, Shop.url("ok")), NewJob.named("new"));
    until(() -> shop.redis().exists("bull:downloads:new:lock"), "it is taken");
    RedisServer.awaitPutOff(shop.redis(), "bull:downloads:new:lock", 15);
    assertTrue(
        log().lines().filter(line -> line.contains("Failed delivery")).count() < 15,
        "not by the tries of its route alone");
    RedisServer.awaitPutOff(shop.redis(), "bull:downloads:runs:lock", 15);
    shop.database().start();
    shop.goOn(runs);

    awaitState(runs, "done");
    awaitState(fresh, "done");
    assertEquals("1", shop.redis().hget("bull:downloads:new", "ats"), "nobody else has had it");
    assertEquals("1", shop.redis().hget("bull:downloads:runs", "ats"));
    assertEquals(1, shop.downloads(runs));
  }

  @Test
  void should_give_bullmq_jobs_back_that_it_cannot_enter_for_longer_than_its_lease()
      throws Exception {
    startWorker(
        "WAYBILL_QUEUE_SOURCE", "bullmq", "WAYBILL_DB_TIMEOUT", "1s", "WAYBILL_LEASE", "3s");
    long taskId = shop.task("enrolled", Shop.url("ok"));

    addWhileTheDatabaseIsAway(taskId);
    until(() -> shop.redis().llen("bull:downloads:wait") == 1, "it goes back");
    assertFalse(shop.redis().exists("bull:downloads:new:lock"), "for whoever takes it");
    shop.database().start();

    awaitState(taskId, "done");
    assertEquals(1, shop.webhook().calls(taskId).size());
  }

  @Test
  void should_stop_at_once_while_bullmq_jobs_cannot_be_entered() throws Exception {
    WorkerProcess worker =
        startWorker(
            "WAYBILL_QUEUE_SOURCE", "bullmq",
            "WAYBILL_DB_TIMEOUT", "1s",
            "WAYBILL_LEASE", "5m",
            "WAYBILL_SHUTDOWN_GRACE", "2m");
    long taskId = shop.task("enrolled", Shop.url("ok"));

    addWhileTheDatabaseIsAway(taskId);
    Thread stop = new Thread(worker::stop, "stop");
    stop.start();
    until(() -> !stop.isAlive(), "it has stopped");

    assertEquals(List.of("new"), shop.redis().lrange("bull:downloads:wait", 0, -1));
    assertFalse(shop.redis().exists("bull:downloads:new:lock"), "for whoever takes it");
    shop.database().start();
  }

  private BullQueue queue() {
    return new BullQueue(shop.redis(), "bull", "downloads", Clock.systemUTC());
  }

  private void addWhileTheDatabaseIsAway(long taskId) throws Exception {
    shop.database().kill();
    queue().add("download", Shop.payload(taskId, Shop.url("ok")), NewJob.named("new"));
    until(() -> log().contains("Failed delivery"), "it is taken, and cannot be entered");
  }

  @Test
  void should_wait_for_both_at_the_start() throws Exception {
    shop.redisServer().kill();
    shop.database().kill();
    WorkerProcess worker = newWorker("WAYBILL_DB_TIMEOUT", "1s", "WAYBILL_REDIS_TIMEOUT", "500ms");
    Thread starter =
        new Thread(
            () -> {
              try {
                worker.start();
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    starter.start();
    until(() -> log().contains("Waiting for Redis"), "it waits for Redis");
    shop.redisServer().start();
    until(() -> log().contains("Waiting for the database"), "it waits for the database");
    shop.database().start();
    starter.join();

    long taskId = shop.order("ok");
    awaitState(taskId, "done");
  }

  @Test
  void should_stop_while_the_database_is_away() throws Exception {
    WorkerProcess worker = startWorker("WAYBILL_DB_TIMEOUT", "1s");
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    shop.database().kill();
    shop.goOn(taskId);
    until(() -> log().contains("Failed delivery"), "a write waits");

    long before = System.nanoTime();
    worker.stop();

    assertTrue(System.nanoTime() - before < 60_000_000_000L);
    shop.database().start();
    assertEquals("running", shop.ledger("state", taskId));
    startWorker();
    shop.update(
        "UPDATE waybill_worker SET seen_at = seen_at - INTERVAL 1 HOUR WHERE id = ?",
        shop.ledger("owner", taskId));
    awaitState(taskId, "done");
  }
}
