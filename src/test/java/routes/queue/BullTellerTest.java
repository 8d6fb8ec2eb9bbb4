package routes.queue;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.zaxxer.hikari.HikariDataSource;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import org.springframework.transaction.support.TransactionTemplate;
import routes.bullmq.BullJob;
import routes.bullmq.BullQueue;
import routes.bullmq.Keep;
import routes.bullmq.NewJob;
import routes.ledger.BullBook;
import routes.ledger.Schema;
import routes.settings.Settings;
import routes.settings.Sources;
import servers.Shop;

/**
 * Several processes tell one queue, and one of them is late: between what it has read and what it
 * does about it, others go on.
 */
class BullTellerTest {
  private static final BullQueue.Worker ANOTHER =
      new BullQueue.Worker("another", Duration.ofSeconds(30), "", 0, Duration.ZERO);

  @TempDir Path directory;

  private Shop shop;
  private Settings settings;
  private HikariDataSource database;
  private BullQueue queue;
  private BullBook book;
  private BullQueue.Worker ours;

  /** Tasks that are dropped. */
  private final List<Long> lost = new ArrayList<>();

  /** What the others do, once, while the late one looks at the task's log. */
  private Runnable meanwhile = () -> {};

  @BeforeEach
  void open() throws Exception {
    shop = Shop.open(directory);
    Map<String, String> environment = new LinkedHashMap<>(shop.environment());
    environment.put("WAYBILL_QUEUE_SOURCE", "bullmq");
    settings = Settings.from(Sources.read(environment, new Properties(), directory));
    database = Schema.pool(settings);
    Schema.migrate(database);
    queue = new BullQueue(shop.redis(), "bull", "downloads", Clock.systemUTC());
    book = new BullBook(database, "bull:downloads");
    ours =
        new BullQueue.Worker(
            "waybill:" + book.installation(), Duration.ofSeconds(30), "", 0, Duration.ZERO);
  }

  @AfterEach
  void close() throws Exception {
    database.close();
    shop.close();
  }

  private BullLocks locks() {
    return locks(book);
  }

  private BullLocks locks(BullBook ofTheProcess) {
    BullLocks locks =
        new BullLocks(ofTheProcess, queue, settings.bullmq(), () -> "here", lost::add);
    locks.begin();
    return locks;
  }

  private BullTeller process() {
    BullLocks locks = locks();
    return new BullTeller(
        book,
        queue,
        locks,
        settings.bullmq(),
        Duration.ofMinutes(5),
        taskId -> {
          Runnable once = meanwhile;
          meanwhile = () -> {};
          once.run();
          return List.of("its last line");
        });
  }

  /** Taken by one of ours; its task is dead. */
  private long fails(String jobId, int attempts, boolean forGood) throws SQLException {
    long taskId = task("dead", forGood);
    NewJob job = new NewJob(jobId, Duration.ZERO, attempts, null, 0, false, null, null, null);
    queue.add("download", Shop.payload(taskId, Shop.url("ok")), job);
    takeAgain(taskId, jobId);
    return taskId;
  }

  private long task(String state, boolean forGood) throws SQLException {
    long taskId = shop.task("failed", Shop.url("ok"));
    shop.update(
        "INSERT INTO waybill_job (task_id, email, course_url, course_key, payload, state, stage,"
            + " for_good, delivery_id, received_at, enrolled_at, updated_at)"
            + " SELECT id, email, course_url, SHA2(course_url, 256), '{}', ?, 'enrolled', ?, UUID(),"
            + " UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)"
            + " FROM download_tasks WHERE id = ?",
        state,
        forGood,
        taskId);
    return taskId;
  }

  private void takeAgain(long taskId, String jobId) {
    assertEquals(List.of(jobId), queue.take(ours, 1).jobs().stream().map(BullJob::id).toList());
    book.taken(List.of(new BullBook.Taken(jobId, taskId)), "there");
  }

  private void goesOn(long taskId) {
    becomes("ready", taskId);
  }

  private void becomes(String state, long taskId) {
    try {
      shop.update("UPDATE waybill_job SET state = ? WHERE task_id = ?", state, taskId);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private void clickOnRetry(String jobId) {
    shop.redis().zrem("bull:downloads:failed", jobId);
    shop.redis().lpush("bull:downloads:wait", jobId);
  }

  private void assertUnderWay(String jobId, int attemptsMade) {
    assertEquals(List.of(jobId), shop.redis().lrange("bull:downloads:active", 0, -1));
    assertEquals(attemptsMade, queue.find(jobId).orElseThrow().attemptsMade());
  }

  @Test
  void should_use_up_one_attempt_though_two_have_seen_the_failure() throws Exception {
    long taskId = fails("thrice", 3, false);
    BullTeller other = process();
    meanwhile =
        () -> {
          other.tellMissed();
          // It is back at once, and the ledger does not know it yet.
          assertEquals(1, queue.take(ours, 1).jobs().size());
        };

    process().tellMissed();

    assertUnderWay("thrice", 1);
    assertEquals("failed", shop.query("SELECT told FROM waybill_bullmq"));

    // The intake has entered it, and its task has died once more.
    book.taken(List.of(new BullBook.Taken("thrice", taskId)), "there");
    BullTeller another = process();
    meanwhile =
        () -> {
          another.tellMissed();
          takeAgain(taskId, "thrice");
          goesOn(taskId);
        };
    process().tellMissed();

    assertUnderWay("thrice", 2);
    assertEquals(2, shop.redis().llen("bull:downloads:thrice:logs"), "one by who told each");
    assertEquals("active", shop.query("SELECT told FROM waybill_bullmq"));
  }

  @Test
  void should_not_fail_a_job_that_somebody_has_set_going_since() throws Exception {
    long taskId = fails("once", 1, true);
    BullTeller other = process();
    meanwhile =
        () -> {
          other.tellMissed();
          clickOnRetry("once");
          goesOn(taskId);
          takeAgain(taskId, "once");
        };

    process().tellMissed();

    assertUnderWay("once", 1);
    assertEquals("active", shop.query("SELECT told FROM waybill_bullmq"));
  }

  @Test
  void should_know_a_failed_job_as_long_as_its_queue_does() throws Exception {
    fails("kept", 1, true);
    fails("gone", 1, true);
    process().tellMissed();
    shop.redis().del("bull:downloads:gone");
    shop.update("UPDATE waybill_bullmq SET told_at = told_at - INTERVAL 7 DAY");
    process().forgetTheOld();
    assertEquals("2", shop.query("SELECT COUNT(*) FROM waybill_bullmq"), "they are not old");
    shop.update("UPDATE waybill_bullmq SET told_at = told_at - INTERVAL 2 DAY");

    process().forgetTheOld();

    assertEquals("kept", shop.query("SELECT job_id FROM waybill_bullmq"));
    assertEquals(List.of(), book.failedBefore(Duration.ofDays(1), 10), "it is asked for later");
  }

  /** Somebody sets it going as soon as its queue says "failed": a listener, or a quick click. */
  @Test
  void should_know_that_a_job_has_failed_before_it_is_back() throws Exception {
    long taskId = fails("first", 1, true);
    BullBook.Standing failed = book.about(List.of(taskId)).get(0);
    CompletableFuture<Optional<String>> known = new CompletableFuture<>();
    AtomicInteger looks = new AtomicInteger();
    DataSource counting =
        new DelegatingDataSource(database) {
          @Override
          public Connection getConnection() throws SQLException {
            looks.incrementAndGet();
            return super.getConnection();
          }
        };
    BullBook intake = new BullBook(counting, "bull:downloads");

    book.fails(
        failed,
        () -> {
          known.completeAsync(() -> intake.lastTold("first"));
          await().until(() -> known.isDone() || looks.get() > 3);
        });

    assertEquals(Optional.of("failed"), known.get(30, TimeUnit.SECONDS));
  }

  @Test
  void should_forget_a_failed_job_that_another_worker_has_ended() throws Exception {
    long taskId = fails("first", 1, true);
    process().tellMissed();
    clickOnRetry("first");
    BullJob theirs = queue.take(ANOTHER, 1).jobs().get(0);
    queue.complete(theirs, ANOTHER.token(), "{}", new Keep(-1, null), 0);
    // Another job has brought its task since.
    goesOn(taskId);

    process().tellMissed();

    assertEquals("ready", shop.ledger("state", taskId), "it is that one's");
    assertEquals(List.of(), lost);
    assertEquals("0", shop.query("SELECT COUNT(*) FROM waybill_bullmq"));
    assertEquals(List.of("first"), queue.ended("completed", 1));
  }

  /** Between the look at the book and the one at its lock. */
  @Test
  void should_leave_a_job_put_off_that_has_failed_since_the_look() throws Exception {
    long taskId = task("running", false);
    NewJob job = new NewJob("first", Duration.ZERO, 2, null, 0, false, null, null, null);
    queue.add("download", Shop.payload(taskId, Shop.url("ok")), job);
    takeAgain(taskId, "first");
    AtomicReference<Runnable> once = new AtomicReference<>(() -> {});
    BullLocks locks = locks(new BullBook(afterALook(once), "bull:downloads"));
    once.set(
        () -> {
          becomes("dead", taskId);
          process().tellMissed();
        });

    locks.renew();

    assertEquals(List.of(), shop.redis().lrange("bull:downloads:active", 0, -1));
    assertEquals(List.of("first"), shop.redis().lrange("bull:downloads:wait", 0, -1));
    assertEquals(List.of(), lost);
  }

  /** Runs it, once, when the next connection goes back. */
  private DataSource afterALook(AtomicReference<Runnable> once) {
    return new DelegatingDataSource(database) {
      @Override
      public Connection getConnection() throws SQLException {
        Connection connection = super.getConnection();
        return (Connection)
            Proxy.newProxyInstance(
                Connection.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> {
                  Object answer = method.invoke(connection, arguments);
                  if (method.getName().equals("close")) {
                    once.getAndSet(() -> {}).run();
                  }
                  return answer;
                });
      }
    };
  }

  /** Outages add up otherwise, until another worker that takes the job has to fail it. */
  @Test
  void should_forgive_a_stall_that_was_its_own_silence() throws Exception {
    long taskId = task("running", false);
    queue.add("download", Shop.payload(taskId, Shop.url("ok")), NewJob.named("first"));
    takeAgain(taskId, "first");
    shop.redis().del("bull:downloads:first:lock");
    await().until(() -> !queue.freeStalled(Duration.ofMillis(1), 0).isEmpty());
    assertEquals("1", shop.redis().hget("bull:downloads:first", "stc"));

    locks().renew();

    assertEquals(List.of("first"), shop.redis().lrange("bull:downloads:active", 0, -1));
    assertEquals(
        Arrays.asList(null, null), shop.redis().hmget("bull:downloads:first", "stc", "defa"));
  }

  /** After the queue was obliterated, or Redis has lost its data, ids begin again. */
  @Test
  void should_leave_alone_another_job_of_the_same_id() throws Exception {
    for (String state : List.of("ready", "done", "dead")) {
      long taskId = fails("same", 1, true);
      shop.update("UPDATE waybill_job SET state = ? WHERE task_id = ?", state, taskId);
      anotherIsAdded("same");

      locks().renew();
      process().tellMissed();

      assertEquals(List.of("same"), shop.redis().lrange("bull:downloads:wait", 0, -1), state);
      assertEquals(0, shop.redis().llen("bull:downloads:active"));
      assertEquals(state, shop.ledger("state", taskId), "it goes on all the same");
      assertEquals("0", shop.query("SELECT COUNT(*) FROM waybill_bullmq"));
      shop.redis().del("bull:downloads:same", "bull:downloads:wait");
    }
    assertEquals(List.of(), lost);
  }

  /** Its row is not there before the transaction of its intake has ended. */
  @Test
  void should_know_a_job_that_was_taken_during_a_look() throws Exception {
    BullLocks locks = locks();
    long taskId = task("ready", false);
    for (String jobId : List.of("first", "second")) {
      queue.add("download", Shop.payload(taskId, Shop.url("ok")), NewJob.named(jobId));
      BullJob job = queue.take(ours, 1).jobs().get(0);
      new TransactionTemplate(new DataSourceTransactionManager(database))
          .executeWithoutResult(
              status -> {
                locks.taken(List.of(new BullLocks.Taken(job, taskId)));
                CompletableFuture.runAsync(locks::look).join();
              });
    }

    assertEquals(Set.of("first", "second"), locks.jobsOf(taskId));
    locks.look();
    shop.update("DELETE FROM waybill_bullmq WHERE job_id = 'first'");
    locks.look();
    locks.look();
    assertEquals(Set.of("second"), locks.jobsOf(taskId), "the other has ended");
    shop.update("DELETE FROM waybill_bullmq");
    locks.look();
    locks.look();
    assertEquals(Set.of(), locks.jobsOf(taskId), "both have ended");
  }

  @Test
  void should_take_no_other_job_of_the_same_id_for_one_that_could_not_be_entered()
      throws Exception {
    long taskId = shop.task("enrolled", Shop.url("ok"));
    queue.add("download", Shop.payload(taskId, Shop.url("ok")), NewJob.named("same"));
    List<BullJob> taken = queue.take(ours, 1).jobs();
    anotherIsAdded("same");

    assertEquals(List.of(), locks().stillOurs(taken));
    assertEquals(List.of("same"), shop.redis().lrange("bull:downloads:wait", 0, -1));
  }

  private void anotherIsAdded(String jobId) throws SQLException {
    String key = "bull:downloads:" + jobId;
    shop.redis().del(key, key + ":lock", "bull:downloads:active");
    long taskId = shop.task("enrolled", Shop.url("ok"));
    queue.add("download", Shop.payload(taskId, Shop.url("ok")), NewJob.named(jobId));
  }
}
