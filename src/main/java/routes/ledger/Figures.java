package routes.ledger;

import static routes.ledger.Reach.reach;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;
import routes.job.Stage;

/** What an operator's pictures are drawn from. Nothing is written here. */
public final class Figures {
  /** Out: running jobs by the last stage they have finished. */
  private static final String RUNNING =
      "SELECT stage, COUNT(*) FROM waybill_job WHERE state = 'running' GROUP BY stage";

  /** Out: a row for each minute of the last hour, inbox and end; times in milliseconds. */
  private static final String SERIES =
      """
      SELECT TIMESTAMPDIFF(MINUTE, finished_at, UTC_TIMESTAMP(6)) AS ago, vip, state, COUNT(*) AS jobs,
             AVG(TIMESTAMPDIFF(MICROSECOND, received_at, enrolled_at)) / 1000 AS enrolment,
             AVG(TIMESTAMPDIFF(MICROSECOND, enrolled_at, downloaded_at)) / 1000 AS download,
             AVG(TIMESTAMPDIFF(MICROSECOND, downloaded_at, uploaded_at)) / 1000 AS upload,
             AVG(TIMESTAMPDIFF(MICROSECOND, uploaded_at, notified_at)) / 1000 AS webhook
        FROM waybill_job
       WHERE finished_at > UTC_TIMESTAMP(6) - INTERVAL 60 MINUTE AND state IN ('done', 'dead')
       GROUP BY ago, vip, state""";

  private static final String NOW = "SELECT UTC_TIMESTAMP(6)";

  /**
   * Jobs that ended within one minute.
   *
   * @param minutesAgo 0 for the last sixty seconds
   * @param averageMs of each step of the delivered ones, waiting and pauses included; without the
   *     steps that none of them has made
   */
  public record Minute(
      int minutesAgo, boolean vip, boolean dead, long jobs, Map<String, Long> averageMs) {}

  /**
   * @param at the database's time, to which the minutes refer
   */
  public record Series(Instant at, List<Minute> minutes) {}

  private final JdbcTemplate jdbc;

  public Figures(DataSource database) {
    this.jdbc = new Reads(database);
  }

  /** How many jobs run, by the route of the work that they are at; all of them are there. */
  public Map<String, Long> runningByWork() {
    Map<String, Long> running = new LinkedHashMap<>();
    Stage.ENROLLED.remainingWork().forEach(work -> running.put(work, 0L));
    reach(
        () ->
            jdbc.query(
                RUNNING,
                (row, n) -> {
                  long jobs = row.getLong(2);
                  return Stage.of(row.getString(1)).remainingWork().stream()
                      .findFirst()
                      .map(work -> running.merge(work, jobs, Long::sum));
                }));
    return running;
  }

  /** The last sixty minutes, without those in which nothing ended. */
  public Series series() {
    List<Minute> minutes =
        reach(
            () ->
                jdbc.query(
                    SERIES,
                    (row, n) -> {
                      Map<String, Long> averages = new LinkedHashMap<>();
                      boolean dead = row.getString("state").equals("dead");
                      for (String step : dead ? List.<String>of() : JobBook.STEPS) {
                        double average = row.getDouble(step);
                        if (!row.wasNull()) {
                          averages.put(step, Math.round(average));
                        }
                      }
                      return new Minute(
                          row.getInt("ago"),
                          row.getBoolean("vip"),
                          dead,
                          row.getLong("jobs"),
                          averages);
                    }));
    LocalDateTime now = reach(() -> jdbc.queryForObject(NOW, LocalDateTime.class));
    return new Series(now.toInstant(ZoneOffset.UTC), minutes);
  }
}
