package routes.bullmq;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;

/** A job's list of stack traces, one for each attempt that has failed. */
final class Stacktraces {
  /**
   * Of a job whose producer has set no {@code stackTraceLimit}: its hash must not grow for ever.
   */
  private static final int MOST = 50;

  private Stacktraces() {}

  /**
   * @return JSON: those of the job and this one, the newest last
   */
  static String with(BullJob job, String stacktrace) {
    ArrayNode all = BullJob.JSON.createArrayNode();
    JsonNode earlier = BullJob.json(job.stacktrace() == null ? "[]" : job.stacktrace());
    if (earlier.isArray()) {
      earlier.forEach(all::add);
    }
    all.add(stacktrace);
    int most = Math.max(0, job.options().path("stackTraceLimit").asInt(MOST));
    while (all.size() > most) {
      all.remove(0);
    }
    return all.toString();
  }
}
