package routes.bullmq;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.resps.StreamEntry;

/** Everything a queue has in Redis, as text that two runs can be compared by. */
final class Layout {
  private Layout() {}

  /** Each key with what it holds; the ids of events are Redis' own and left out. */
  static Map<String, Object> of(UnifiedJedis redis, String prefix) {
    Map<String, Object> all = new TreeMap<>();
    for (String key : redis.keys(prefix + ":*")) {
      all.put(key, value(redis, key));
    }
    return all;
  }

  private static Object value(UnifiedJedis redis, String key) {
    return switch (redis.type(key)) {
      case "hash" -> new TreeMap<>(redis.hgetAll(key));
      case "list" -> redis.lrange(key, 0, -1);
      case "set" -> new java.util.TreeSet<>(redis.smembers(key));
      case "zset" ->
          redis.zrangeWithScores(key, 0, -1).stream()
              .map(each -> String.format("%s=%.0f", each.getElement(), each.getScore()))
              .toList();
      case "stream" -> {
        List<String> entries = new ArrayList<>();
        for (StreamEntry entry :
            redis.xrange(key, (StreamEntryID) null, (StreamEntryID) null, 10000)) {
          entries.add(new TreeMap<>(entry.getFields()).toString());
        }
        yield entries;
      }
      default -> redis.get(key) + (redis.pttl(key) > 0 ? " expires" : "");
    };
  }
}
