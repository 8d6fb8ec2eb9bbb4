package routes.monitoring;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;
import routes.settings.Settings;

/**
 * What has to be true before work is sent here, as checks of {@code /observe/health/ready}: both
 * stores answer, work is fetched, the BullMQ queue is of a known version, there is room, the
 * programs and the remote are there, and the process is not about to stop.
 */
public final class Readiness {
  private Readiness() {}

  public static List<HealthCheck> checks(
      Settings settings, Watch watch, Supplier<Boolean> stopping) {
    List<HealthCheck> checks = new ArrayList<>(common(settings, watch, stopping));
    if (settings.bullmq().enabled()) {
      checks.add(check("bullmq", () -> Optional.ofNullable(watch.bullmq().refused())));
    }
    return checks;
  }

  private static List<HealthCheck> common(
      Settings settings, Watch watch, Supplier<Boolean> stopping) {
    return List.of(
        check(
            "database",
            () -> watch.databaseAnswers() ? Optional.empty() : Optional.of("it does not answer")),
        check(
            "redis",
            () -> watch.redisAnswers() ? Optional.empty() : Optional.of("it does not answer")),
        check(
            "fetching",
            () ->
                watch.fetchAges().entrySet().stream()
                    .filter(
                        age -> age.getValue() * 1000 > settings.watching().noProgress().toMillis())
                    .map(
                        age ->
                            "%s has not asked its queue for %.0f s"
                                .formatted(age.getKey(), age.getValue()))
                    .findFirst()),
        check(
            "disk",
            () ->
                watch.diskFree() >= settings.download().minFree()
                    ? Optional.empty()
                    : Optional.of("too little is free for a download")),
        check("downloader", watch::missingDownloader),
        check("remote", watch::missingRemote),
        check(
            "stopping",
            () -> stopping.get() ? Optional.of("the process stops") : Optional.empty()));
  }

  /**
   * @param trouble what is wrong; empty if nothing is
   */
  private static HealthCheck check(String id, Supplier<Optional<String>> trouble) {
    return new AbstractHealthCheck("waybill", id) {
      @Override
      public boolean isLiveness() {
        return false;
      }

      @Override
      protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        trouble.get().ifPresentOrElse(text -> builder.message(text).down(), () -> builder.up());
      }
    };
  }
}
