package routes.ledger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.zaxxer.hikari.HikariDataSource;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.datasource.AbstractDataSource;
import routes.job.CourseUrl;
import routes.job.Flight;
import routes.job.Job;
import routes.job.Stage;
import routes.settings.Settings;
import routes.settings.Sources;
import servers.Shop;

/** A claim by the process that has entered the job, and by another one. */
class ClaimTest {
  private static final Worker WORKER = new Worker("w-1", "host", 1);

  @TempDir Path directory;
  private final List<String> statements = new ArrayList<>();
  private Shop shop;
  private HikariDataSource database;
  private Admission admission;
  private Ledger ledger;
  private Ledger another;
  private long task;

  @BeforeEach
  void enter() throws Exception {
    shop = Shop.open(directory);
    Settings settings =
        Settings.from(Sources.read(shop.environment(), new Properties(), directory));
    database = Schema.pool(settings);
    Schema.migrate(database);
    JustEntered entered = new JustEntered();
    admission = new Admission(database, settings, entered);
    ledger = new Ledger(new Noting(), settings, () -> null, entered);
    another = new Ledger(new Noting(), settings, () -> null, new JustEntered());
    task = shop.task("enrolled", Shop.url("ok"));
    shop.update("UPDATE download_tasks SET order_id = 77 WHERE id = ?", task);
    assertEquals(Entered.Outcome.READY, admission.enter(List.of(job(task))).get(0).outcome());
  }

  @AfterEach
  void close() throws Exception {
    database.close();
    shop.close();
  }

  private static Job job(long taskId) {
    return new Job(taskId, "khoá@example.com", CourseUrl.parse(Shop.url("ok")), "{}", true);
  }

  /** Notes what is asked of the database. */
  private final class Noting extends AbstractDataSource {
    @Override
    public Connection getConnection() throws SQLException {
      Connection connection = database.getConnection();
      return (Connection)
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {Connection.class},
              (proxy, method, arguments) -> {
                if (method.getName().equals("prepareStatement")) {
                  statements.add((String) arguments[0]);
                }
                try {
                  return method.invoke(connection, arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
      return getConnection();
    }
  }

  private void assertAsInItsRow(Flight flight) throws SQLException {
    assertEquals(task, flight.taskId());
    assertEquals(shop.ledger("token", task), String.valueOf(flight.token()));
    assertEquals(shop.ledger("owner", task), flight.worker());
    assertEquals(shop.ledger("order_id", task), flight.orderId());
    assertEquals(shop.ledger("email", task), flight.email());
    assertEquals(shop.ledger("course_url", task), flight.courseUrl());
    assertEquals(shop.ledger("course_key", task), flight.courseKey());
    assertEquals(shop.ledger("vip", task).equals("1"), flight.vip());
    assertEquals(Stage.of(shop.ledger("stage", task)), flight.stage());
    assertEquals(shop.ledger("attempts", task), String.valueOf(flight.attempts()));
    assertEquals(shop.ledger("crashes", task), String.valueOf(flight.crashes()));
    assertEquals(shop.ledger("folder", task), flight.folder());
    assertEquals(shop.ledger("delivery_id", task), flight.deliveryId());
    assertEquals("running", shop.ledger("state", task));
  }

  @Test
  void should_hand_back_a_job_whose_pause_a_stop_has_ended() throws Exception {
    Flight flight = ledger.claim(task, WORKER).orElseThrow();
    flight.resting(true);
    flight.stop(Flight.Stop.HAND_BACK);
    assertTrue(Thread.currentThread().isInterrupted(), "or it would pause on");
    flight.resting(false);

    // A write that finds no connection waits for one: an interrupt would cut it off.
    database.getHikariPoolMXBean().softEvictConnections();
    assertTrue(ledger.handBack(flight, Duration.ZERO));
    assertEquals("ready", shop.ledger("state", task));
  }

  @Test
  void should_ask_for_nothing_that_it_has_just_entered() throws Exception {
    assertAsInItsRow(ledger.claim(task, WORKER).orElseThrow());

    assertEquals(1, statements.size(), statements.toString());
  }

  @Test
  void should_know_those_that_were_entered_together() throws Exception {
    long first = shop.task("enrolled", Shop.url("ok"));
    long second = shop.task("enrolled", Shop.url("ok"));
    admission.enter(List.of(job(first), job(second)));
    for (long each : List.of(first, second)) {
      task = each;
      assertAsInItsRow(ledger.claim(each, WORKER).orElseThrow());
    }

    assertEquals(2, statements.size(), statements.toString());
  }

  @Test
  void should_read_what_another_process_has_entered() throws Exception {
    assertAsInItsRow(another.claim(task, WORKER).orElseThrow());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // An operator has put it back among the others.
        "vip = FALSE",
        // It has been cancelled and set going again, or claimed before.
        "token = 7, email = 'another@example.com', attempts = 1",
        // Its row was made anew.
        "delivery_id = UUID(), course_key = SHA2('another', 256), order_id = NULL",
        "stage = 'downloaded', folder = 'Khoá', manifest = '{\"hash\":null,\"files\":[]}'"
      })
  void should_read_what_has_changed_since(String change) throws Exception {
    shop.update("UPDATE waybill_job SET " + change + " WHERE task_id = ?", task);

    assertAsInItsRow(ledger.claim(task, WORKER).orElseThrow());
  }

  @Test
  void should_take_nothing_that_is_not_ready_any_more() throws Exception {
    shop.update("UPDATE waybill_job SET state = 'cancelled' WHERE task_id = ?", task);

    assertEquals(Optional.empty(), ledger.claim(task, WORKER));
    assertEquals("0", shop.ledger("token", task));
  }

  @Test
  void should_give_it_to_one_of_two() throws Exception {
    assertTrue(another.claim(task, WORKER).isPresent());

    assertEquals(Optional.empty(), ledger.claim(task, new Worker("w-2", "host", 2)));
  }

  @Test
  void should_take_an_own_claim_whose_answer_was_lost_for_taken() throws Exception {
    another.claim(task, WORKER);

    assertAsInItsRow(ledger.claim(task, WORKER).orElseThrow());
  }
}
