package routes.ledger;

import static routes.ledger.Reach.reach;

import java.util.List;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Which alerts stand, for all processes and over restarts: of many that see the same, one tells it,
 * and one tells that it is over. Every method throws {@link LedgerAway} when the database cannot be
 * reached.
 */
public final class AlertBook {
  /** In: name, scope, detail. Out: 1 if it did not stand before. */
  private static final String RAISE =
      """
      INSERT IGNORE INTO waybill_alert (name, scope, detail, since, seen_at)
      VALUES (?, ?, ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))""";

  /** In: detail, name, scope. */
  private static final String SEEN =
      "UPDATE waybill_alert SET detail = ?, seen_at = UTC_TIMESTAMP(6) WHERE name = ? AND scope = ?";

  /** In: name, scope. Out: 1 for the one who ends it. */
  private static final String CLEAR = "DELETE FROM waybill_alert WHERE name = ? AND scope = ?";

  /** In: age in seconds. Out: those that whoever raised them does not see any more, or is gone. */
  private static final String FORGOTTEN =
      """
      SELECT name, scope, detail, TIMESTAMPDIFF(SECOND, since, UTC_TIMESTAMP(6)) FROM waybill_alert
       WHERE seen_at < UTC_TIMESTAMP(6) - INTERVAL ? SECOND""";

  private static final String ALL =
      """
      SELECT name, scope, detail, TIMESTAMPDIFF(SECOND, since, UTC_TIMESTAMP(6)) FROM waybill_alert
       ORDER BY since""";

  /** How long a detail may be, as the table has it. */
  private static final int LONGEST_DETAIL = 500;

  /**
   * @param scope a worker or a host; blank if it concerns all
   */
  public record Alert(String name, String scope, String detail, long seconds) {}

  private final JdbcTemplate jdbc;

  public AlertBook(DataSource database) {
    this.jdbc = new JdbcTemplate(database);
  }

  /**
   * @return whether it is the caller's to tell
   */
  public boolean raise(String name, String scope, String detail) {
    String shortened = detail.substring(0, Math.min(LONGEST_DETAIL, detail.length()));
    return reach(
        () -> {
          boolean first = jdbc.update(RAISE, name, scope, shortened) == 1;
          if (!first) {
            jdbc.update(SEEN, shortened, name, scope);
          }
          return first;
        });
  }

  /**
   * @return whether it stood, and its end is the caller's to tell
   */
  public boolean clear(String name, String scope) {
    return reach(() -> jdbc.update(CLEAR, name, scope)) == 1;
  }

  /** Those that nobody has seen for so long. */
  public List<Alert> forgotten(long seconds) {
    return query(FORGOTTEN, seconds);
  }

  /** The oldest first. */
  public List<Alert> all() {
    return query(ALL);
  }

  private List<Alert> query(String statement, Object... values) {
    return reach(
        () ->
            jdbc.query(
                statement,
                (row, n) ->
                    new Alert(row.getString(1), row.getString(2), row.getString(3), row.getLong(4)),
                values));
  }
}
