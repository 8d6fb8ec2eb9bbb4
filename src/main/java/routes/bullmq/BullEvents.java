package routes.bullmq;

import java.util.List;
import java.util.Set;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.resps.StreamEntry;

/** What a queue has told of its jobs, whoever worked on them; as far back as it is kept. */
final class BullEvents {
  private static final int PAGE = 1000;
  private static final Set<String> BEGINNINGS = Set.of("added", "active");
  private static final Set<String> ENDS = Set.of("completed", "failed");

  private final UnifiedJedis redis;
  private final String stream;

  BullEvents(UnifiedJedis redis, String stream) {
    this.redis = redis;
    this.stream = stream;
  }

  /** Whether it has ended since it was added, and since it was taken, the last time. */
  boolean hasEnded(String jobId) {
    String before = "+";
    List<StreamEntry> page;
    do {
      // Its last entry is the first of the next page: a Redis before 6.2 knows no other way.
      page = redis.xrevrange(stream, before, "-", PAGE);
      for (StreamEntry entry : page) {
        before = entry.getID().toString();
        String event = entry.getFields().get("event");
        if (jobId.equals(entry.getFields().get("jobId"))) {
          if (ENDS.contains(event)) {
            return true;
          }
          if (BEGINNINGS.contains(event)) {
            return false;
          }
        }
      }
    } while (page.size() == PAGE);
    return false;
  }
}
