package routes.settings;

import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How the worker watches itself, and from where on it raises an alert.
 *
 * @param period between two looks
 * @param url that alerts are posted to; it may hold a token, so it is a secret
 * @param failurePercent of the jobs that ended within the hour
 * @param leastPerMinute jobs delivered while others lie ready; 0 for no such alert
 * @param backlog jobs that are ready
 * @param averages longest average of each stage
 * @param noProgress longest time in which nothing was asked for at the queue, or could be
 * @param diskFree bytes
 * @param dead jobs that died within the hour
 */
public record Watching(
    Duration period,
    Optional<URI> url,
    int failurePercent,
    int leastPerMinute,
    int backlog,
    Map<String, Duration> averages,
    Duration noProgress,
    long diskFree,
    int dead) {
  /** Stages whose average is watched, as the settings call them. */
  public static final List<String> STAGES = List.of("download", "upload", "webhook");

  private static final int MANY = 1_000_000;

  static Watching read(Reader read) {
    Duration period =
        read.duration("waybill.watch.period", Duration.ofMillis(100), Duration.ofMinutes(5));
    Optional<URI> url = read.secretUrl("waybill.alert.url", "an http or https URL");
    int failurePercent = read.count("waybill.alert.failure-rate", 1, 100);
    int leastPerMinute = read.count("waybill.alert.least-per-minute", 0, MANY);
    int backlog = read.count("waybill.alert.backlog", 1, MANY);
    Map<String, Duration> averages = new LinkedHashMap<>();
    for (String stage : STAGES) {
      averages.put(
          stage,
          read.duration("waybill.alert.slow-" + stage, Duration.ofMillis(1), Duration.ofDays(30)));
    }
    return new Watching(
        period,
        url,
        failurePercent,
        leastPerMinute,
        backlog,
        averages,
        read.duration("waybill.alert.no-progress", Duration.ofSeconds(1), Duration.ofDays(1)),
        read.size("waybill.alert.disk-free", 0, 1L << 50),
        read.count("waybill.alert.dead", 1, MANY));
  }
}
