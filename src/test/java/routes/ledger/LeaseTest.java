package routes.ledger;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import routes.settings.Settings;
import routes.settings.Sources;
import servers.Shop;

class LeaseTest {
  private static final String IN_THE_BOOK =
      "SELECT COUNT(*) FROM waybill_worker WHERE gone_at IS NULL";

  @TempDir Path directory;
  private Shop shop;
  private HikariDataSource database;

  /** What others do, once, before the next statement reaches the database. */
  private volatile Runnable meanwhile = () -> {};

  private Lease lease;

  @BeforeEach
  void open() throws Exception {
    shop = Shop.open(directory);
    Settings settings =
        Settings.from(Sources.read(shop.environment(), new Properties(), directory));
    database = Schema.pool(settings);
    Schema.migrate(database);
    Duration length = Duration.ofMinutes(10);
    lease = new Lease(new Workers(new Held(), length, Duration.ZERO), length, () -> {});
    lease.begin();
  }

  @AfterEach
  void close() throws Exception {
    database.close();
    shop.close();
  }

  private final class Held extends DelegatingDataSource {
    Held() {
      super(database);
    }

    @Override
    public Connection getConnection() throws SQLException {
      Runnable once = meanwhile;
      meanwhile = () -> {};
      once.run();
      return super.getConnection();
    }
  }

  @Test
  void should_leave_the_book_though_a_renewal_is_under_way() throws Exception {
    Thread end = new Thread(() -> lease.end(), "end");
    meanwhile =
        () -> {
          end.start();
          // It waits for the renewal; without that it would be through by now.
          await().until(() -> end.getState() == Thread.State.BLOCKED || !end.isAlive());
        };

    lease.renew();
    end.join();

    assertEquals("0", shop.query(IN_THE_BOOK));
    assertFalse(lease.isValid());
  }

  @Test
  void should_not_come_back_by_a_renewal_that_is_late() throws Exception {
    lease.end();

    lease.renew();

    assertEquals("0", shop.query(IN_THE_BOOK));
  }

  @Test
  void should_begin_a_new_life_when_somebody_has_taken_it_for_dead() throws Exception {
    Worker before = lease.worker();
    shop.update("UPDATE waybill_worker SET gone_at = UTC_TIMESTAMP(6)");

    lease.renew();

    assertFalse(lease.worker().equals(before));
    assertEquals("1", shop.query(IN_THE_BOOK));
  }
}
