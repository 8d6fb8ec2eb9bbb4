package routes.ledger;

import static routes.ledger.Reach.reach;

import java.util.LinkedHashMap;
import java.util.Map;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.RowMapper;
import routes.settings.Watching;

/**
 * How many jobs there are and how it goes, over all processes, in three statements that cost the
 * same however long the ledger is.
 */
public final class Census {
  /**
   * In: age in seconds from which a ready job that nothing holds counts as left lying, names of the
   * VIP queue and of the other. Out: a row a state; of a paused queue no job is due.
   */
  private static final String NOW =
      """
      SELECT j.state, COUNT(*) AS jobs,
             COUNT(IF(j.state = 'ready' AND j.hold IS NULL AND q.name IS NULL
                      AND (j.next_at IS NULL OR j.next_at <= UTC_TIMESTAMP(6)), 1, NULL)) AS due,
             COUNT(IF(j.state = 'ready' AND j.hold IS NULL AND q.name IS NULL
                      AND GREATEST(j.updated_at, COALESCE(j.next_at, j.updated_at))
                          <= UTC_TIMESTAMP(6) - INTERVAL ? SECOND, 1, NULL)) AS lying,
             TIMESTAMPDIFF(SECOND, MIN(j.received_at), UTC_TIMESTAMP(6)) AS oldest
        FROM waybill_job j LEFT JOIN waybill_hold q ON q.name = CONCAT('queue:', IF(j.vip, ?, ?))
       WHERE j.state IN ('ready', 'running') GROUP BY j.state""";

  /** Out: a row a state. Their rows are not read, only the index. */
  private static final String COUNTS =
      "SELECT state, COUNT(*) FROM waybill_job WHERE state IN ('waiting', 'dead') GROUP BY state";

  /**
   * Out: how many of the newest 1,000 ended well and in vain within the hour, how many well within
   * five minutes, and the average seconds of each stage of those that ended well: from the claim it
   * was reached under, so that days between a failure and an operator's retry are nobody's
   * slowness.
   */
  private static final String ENDED =
      """
      SELECT COUNT(IF(state = 'done', 1, NULL)) AS done, COUNT(IF(state = 'dead', 1, NULL)) AS dead,
             COUNT(IF(state = 'done' AND finished_at >= UTC_TIMESTAMP(6) - INTERVAL 5 MINUTE, 1, NULL)) AS lately,
             AVG(IF(state = 'done', TIMESTAMPDIFF(MICROSECOND, IF(claimed_at BETWEEN enrolled_at AND downloaded_at, claimed_at, enrolled_at), downloaded_at), NULL)) / 1e6 AS download,
             AVG(IF(state = 'done', TIMESTAMPDIFF(MICROSECOND, IF(claimed_at BETWEEN downloaded_at AND uploaded_at, claimed_at, downloaded_at), uploaded_at), NULL)) / 1e6 AS upload,
             AVG(IF(state = 'done', TIMESTAMPDIFF(MICROSECOND, IF(claimed_at BETWEEN uploaded_at AND notified_at, claimed_at, uploaded_at), notified_at), NULL)) / 1e6 AS webhook
        FROM (SELECT state, finished_at, enrolled_at, claimed_at, downloaded_at, uploaded_at, notified_at FROM waybill_job
               WHERE finished_at >= UTC_TIMESTAMP(6) - INTERVAL 60 MINUTE AND state IN ('done', 'dead')
               ORDER BY finished_at DESC LIMIT 1000) e""";

  private static final String ALIVE =
      """
      SELECT COUNT(*) FROM waybill_worker
       WHERE gone_at IS NULL AND seen_at >= UTC_TIMESTAMP(6) - INTERVAL (lease_ms * 1000) MICROSECOND""";

  /**
   * One count.
   *
   * @param due ready, and held by nothing
   * @param lying due for a minute and longer
   * @param oldestSeconds since the oldest that is ready or runs was received; 0 if there is none
   * @param doneLastHour of the newest 1,000 that ended; so is {@code deadLastHour}
   * @param averageSeconds by stage, of those that ended well within the hour; without a stage that
   *     none has been through
   */
  public record Count(
      long waiting,
      long ready,
      long due,
      long lying,
      long running,
      long dead,
      long oldestSeconds,
      long doneLastHour,
      long deadLastHour,
      double donePerMinute,
      Map<String, Double> averageSeconds,
      long workersAlive) {
    public static final Count NONE = new Count(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Map.of(), 0);
  }

  private static final int LYING_SECONDS = 60;

  private final JdbcTemplate jdbc;
  private final String inbox;
  private final String vipInbox;

  public Census(DataSource database, String inbox, String vipInbox) {
    this.jdbc = new JdbcTemplate(database);
    this.inbox = inbox;
    this.vipInbox = vipInbox;
  }

  /**
   * @throws LedgerAway if the database cannot be reached
   */
  public Count take() {
    Map<String, long[]> now = new LinkedHashMap<>();
    RowMapper<Object> row =
        (found, n) ->
            now.put(
                found.getString("state"),
                new long[] {
                  found.getLong("jobs"),
                  found.getLong("due"),
                  found.getLong("lying"),
                  found.getLong("oldest")
                });
    reach(() -> jdbc.query(NOW, row, LYING_SECONDS, vipInbox, inbox));
    Map<String, Long> rest = new LinkedHashMap<>();
    reach(() -> jdbc.query(COUNTS, (found, n) -> rest.put(found.getString(1), found.getLong(2))));
    long alive = reach(() -> jdbc.queryForObject(ALIVE, Long.class));
    long[] none = new long[4];
    long[] ready = now.getOrDefault("ready", none);
    long[] running = now.getOrDefault("running", none);
    return reach(
        () ->
            jdbc.queryForObject(
                ENDED,
                (found, n) -> {
                  Map<String, Double> averages = new LinkedHashMap<>();
                  for (String stage : Watching.STAGES) {
                    double seconds = found.getDouble(stage);
                    if (!found.wasNull()) {
                      averages.put(stage, seconds);
                    }
                  }
                  return new Count(
                      rest.getOrDefault("waiting", 0L),
                      ready[0],
                      ready[1],
                      ready[2],
                      running[0],
                      rest.getOrDefault("dead", 0L),
                      Math.max(ready[3], running[3]),
                      found.getLong("done"),
                      found.getLong("dead"),
                      found.getLong("lately") / 5.0,
                      averages,
                      alive);
                }));
  }
}
