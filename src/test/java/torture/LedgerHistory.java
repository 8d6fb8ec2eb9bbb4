package torture;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import servers.Shop;

/**
 * Every change of every job, written down by the database itself, with the database user who made
 * it: each worker process has one of its own, so that a write by somebody who does not hold the job
 * cannot hide.
 */
final class LedgerHistory {
  private static final String TABLE =
      """
      CREATE TABLE IF NOT EXISTS torture_history (
        id BIGINT PRIMARY KEY AUTO_INCREMENT, at DATETIME(6), writer VARCHAR(80), task_id BIGINT,
        old_state VARCHAR(16), new_state VARCHAR(16), old_stage VARCHAR(16), new_stage VARCHAR(16),
        old_owner VARCHAR(128), new_owner VARCHAR(128), old_token BIGINT, new_token BIGINT,
        old_crashes INT, new_crashes INT)""";

  private static final String TRIGGER =
      """
      CREATE TRIGGER torture_watch AFTER UPDATE ON waybill_job FOR EACH ROW
        INSERT INTO torture_history (at, writer, task_id, old_state, new_state, old_stage, new_stage,
                                     old_owner, new_owner, old_token, new_token, old_crashes, new_crashes)
        VALUES (UTC_TIMESTAMP(6), SUBSTRING_INDEX(USER(), '@', 1), NEW.task_id, OLD.state, NEW.state,
                OLD.stage, NEW.stage, OLD.owner, NEW.owner, OLD.token, NEW.token, OLD.crashes, NEW.crashes)""";

  /**
   * @param writer database user
   */
  record Change(
      Instant at,
      String writer,
      long taskId,
      String oldState,
      String newState,
      String oldOwner,
      String newOwner,
      long oldToken,
      long newToken,
      boolean crashCounted) {
    boolean isClaim() {
      return !"running".equals(oldState) && "running".equals(newState);
    }

    boolean isGivenUp() {
      return "running".equals(oldState) && "ready".equals(newState);
    }

    boolean isTakeover() {
      return isGivenUp() && crashCounted;
    }
  }

  private final Shop shop;

  private LedgerHistory(Shop shop) {
    this.shop = shop;
  }

  /** Returns when the ledger's tables are there and watched. */
  static LedgerHistory begin(Shop shop) throws SQLException, InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (true) {
      try (Connection connection = shop.connect();
          Statement statement = connection.createStatement()) {
        statement.execute(TABLE);
        statement.execute(TRIGGER);
        return new LedgerHistory(shop);
      } catch (SQLException notYetMade) {
        if (System.nanoTime() > deadline) {
          throw notYetMade;
        }
        TimeUnit.MILLISECONDS.sleep(50);
      }
    }
  }

  List<Change> changes() throws SQLException {
    List<Change> changes = new ArrayList<>();
    try (Connection connection = shop.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT * FROM torture_history ORDER BY id")) {
      while (row.next()) {
        changes.add(
            new Change(
                row.getObject("at", LocalDateTime.class).toInstant(ZoneOffset.UTC),
                row.getString("writer"),
                row.getLong("task_id"),
                row.getString("old_state"),
                row.getString("new_state"),
                row.getString("old_owner"),
                row.getString("new_owner"),
                row.getLong("old_token"),
                row.getLong("new_token"),
                row.getInt("new_crashes") > 0
                    && row.getInt("new_crashes") != row.getInt("old_crashes")));
      }
    }
    return changes;
  }
}
