package routes.operator;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import routes.job.Stage;
import routes.ledger.JobBook;

/** How far the jobs of all processes were when they last said so; the newest, up to a bound. */
final class LastProgress {
  private static final int MOST = 10_000;

  /**
   * @param work route of the stage
   * @param file what is under way; null if not known
   */
  record Said(String work, int percent, String file, Instant at) {}

  private final Map<Long, Said> said =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Said> eldest) {
          return size() > MOST;
        }
      };

  /**
   * @param event {@code PROGRESS}, as it is on the Redis channel
   */
  synchronized void hear(JsonNode event) {
    String file = event.path("file").asText(null);
    said.put(
        event.path("taskId").asLong(),
        new Said(
            event.path("stage").asText(),
            event.path("percent").asInt(),
            file,
            Instant.parse(event.path("at").asText())));
  }

  /** Empty if the job does not run, or nothing was heard since it began what it is at. */
  synchronized Optional<Said> of(JobBook.Entry job) {
    Said last = job.state().equals("running") ? said.get(job.taskId()) : null;
    if (last == null || job.stage() == null) {
      return Optional.empty();
    }
    Instant claimed = job.times().getOrDefault("claimed", Instant.EPOCH);
    boolean now =
        Stage.of(job.stage()).remainingWork().stream().findFirst().stream()
            .anyMatch(last.work::equals);
    // A second for hosts whose clocks differ from the database's.
    return now && last.at.isAfter(claimed.minusSeconds(1)) ? Optional.of(last) : Optional.empty();
  }
}
