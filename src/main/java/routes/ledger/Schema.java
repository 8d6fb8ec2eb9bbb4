package routes.ledger;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.util.Arrays;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import routes.settings.Settings;

/** The connection to the shop's database, and Waybill's own tables in it. */
public final class Schema {
  private Schema() {}

  /**
   * A pool for the claims, the intake and the housekeeping. It opens no connection yet.
   *
   * @param settings whose database and number of slots size the pool
   */
  public static HikariDataSource pool(Settings settings) {
    Settings.Database database = settings.database();
    long timeout = database.timeout().toMillis();
    HikariConfig config = new HikariConfig();
    config.setPoolName("ledger");
    config.setJdbcUrl(
        "jdbc:mysql://" + database.host() + ":" + database.port() + "/" + database.name());
    config.setUsername(database.user());
    config.setPassword(database.password());
    config.setMaximumPoolSize(connections(settings, settings.workers()));
    config.setMinimumIdle(1);
    config.setConnectionTimeout(timeout);
    config.setValidationTimeout(Math.min(timeout, 5_000));
    config.setInitializationFailTimeout(-1);
    // Gap locks would let the ledger's writes block each other, and the shop's.
    config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
    config.addDataSourceProperty("sslMode", database.sslMode().name());
    config.addDataSourceProperty("allowPublicKeyRetrieval", "true");
    config.addDataSourceProperty("connectTimeout", String.valueOf(timeout));
    config.addDataSourceProperty("socketTimeout", String.valueOf(Math.max(timeout, 30_000)));
    // The driver would note a span for every statement as soon as it finds OpenTelemetry in the
    // jar.
    config.addDataSourceProperty("openTelemetry", "DISABLED");
    config.addDataSourceProperty("tcpKeepAlive", "true");
    config.addDataSourceProperty("characterEncoding", "UTF-8");
    // Every fence counts matched rows: a write that changes nothing must still count as ours.
    config.addDataSourceProperty("useAffectedRows", "false");
    config.addDataSourceProperty("useServerPrepStmts", "true");
    config.addDataSourceProperty("cachePrepStmts", "true");
    // The driver's own limits are 25 statements of 256 characters: ours would be prepared each
    // time.
    config.addDataSourceProperty("prepStmtCacheSize", "250");
    config.addDataSourceProperty("prepStmtCacheSqlLimit", "8192");
    config.addDataSourceProperty("cacheServerConfiguration", "true");
    config.addDataSourceProperty("useLocalSessionState", "true");
    return new HikariDataSource(config);
  }

  /** The number of slots has changed. */
  public static void size(HikariDataSource pool, Settings settings, int workers) {
    pool.setMaximumPoolSize(connections(settings, workers));
  }

  private static int connections(Settings settings, int workers) {
    return workers + settings.queue().intakeConsumers() + 3;
  }

  /**
   * Creates or updates the {@code waybill_*} tables; no table of the shop is touched. A migration
   * that ended in the middle, or failed, is run again from its beginning.
   */
  public static void migrate(DataSource database) {
    Flyway flyway =
        Flyway.configure()
            .dataSource(database)
            .locations("classpath:db/waybill")
            .table("waybill_schema_history")
            .baselineOnMigrate(true)
            .baselineVersion("0")
            // A file whose wording has changed is no reason for a worker not to start.
            .validateOnMigrate(false)
            .load();
    if (Arrays.stream(flyway.info().all()).anyMatch(one -> one.getState().isFailed())) {
      // Forgets the failure; without it no worker would ever start again.
      flyway.repair();
    }
    flyway.migrate();
  }
}
