package routes.bullmq;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import redis.clients.jedis.UnifiedJedis;

/** Whether a Redis is set up as BullMQ needs it. */
public final class BullServer {
  private BullServer() {}

  /** A sentence for each thing that would lose or stop jobs; empty if all is well. */
  public static List<String> check(UnifiedJedis redis) {
    Map<String, String> info = new TreeMap<>();
    for (String line : redis.info().split("\r?\n")) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        info.put(line.substring(0, colon), line.substring(colon + 1).strip());
      }
    }
    List<String> warnings = new ArrayList<>();
    String version = info.getOrDefault("redis_version", "");
    if (!isAtLeast(version, 6, 2)) {
      warnings.add("Redis: expected version 6.2 or newer for BullMQ, found " + version);
    }
    String policy = info.getOrDefault("maxmemory_policy", "noeviction");
    if (!policy.equals("noeviction")) {
      warnings.add(
          "Redis: expected maxmemory-policy noeviction, found "
              + policy
              + ": jobs may vanish when memory is short");
    }
    boolean neverSaved = info.getOrDefault("rdb_saves", "0").equals("0");
    if (info.getOrDefault("aof_enabled", "0").equals("0") && neverSaved) {
      warnings.add(
          "Redis: expected an append-only file, or snapshots, found neither so far: a restart"
              + " would lose the queue");
    }
    return warnings;
  }

  private static boolean isAtLeast(String version, int major, int minor) {
    String[] parts = version.split("\\.");
    try {
      int first = Integer.parseInt(parts[0]);
      return first > major || (first == major && Integer.parseInt(parts[1]) >= minor);
    } catch (RuntimeException unreadable) {
      return true;
    }
  }
}
