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

  /** Times become T, tokens stay; each key with what it holds, each event on a line of its own. */
  static Map<String, Object> of(UnifiedJedis redis, String prefix) {
    Map<String, Object> all = new TreeMap<>();
    for (String key : redis.keys(prefix + ":*")) {
      all.put(key, value(redis, key));
    }
    return all;
  }

  private static Object value(UnifiedJedis redis, String key) {
    return switch (redis.type(key)) {
      case "hash" -> {
        Map<String, String> fields = new TreeMap<>();
        redis.hgetAll(key).forEach((field, value) -> fields.put(field, timeless(value)));
        yield fields;
      }
      case "list" -> redis.lrange(key, 0, -1);
      case "set" -> new java.util.TreeSet<>(redis.smembers(key));
      case "zset" ->
          redis.zrangeWithScores(key, 0, -1).stream()
              .map(each -> each.getElement() + "=" + score(each.getScore()))
              .toList();
      case "stream" -> {
        List<String> entries = new ArrayList<>();
        for (StreamEntry entry :
            redis.xrange(key, (StreamEntryID) null, (StreamEntryID) null, 10000)) {
          entries.add(timeless(new TreeMap<>(entry.getFields()).toString()));
        }
        yield entries;
      }
      default -> timeless(redis.get(key)) + (redis.pttl(key) > 0 ? " expires" : "");
    };
  }

  private static String score(double score) {
    return timeless(String.format("%.0f", score));
  }

  static String timeless(String text) {
    return text.replaceAll("\\b(1[789]\\d{11}|7\\d{15})\\b", "T");
  }
}
