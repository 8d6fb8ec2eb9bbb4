package routes.queue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.UnifiedJedis;

/**
 * Brings back what was taken off an inbox and never entered in the ledger. A message brought back
 * twice is harmless.
 */
public final class ClaimedLists {
  private static final Logger LOG = LoggerFactory.getLogger(ClaimedLists.class);

  private final UnifiedJedis redis;
  private final List<String> inboxes;
  private Set<String> leftAtLastLook = new HashSet<>();

  public ClaimedLists(UnifiedJedis redis, List<String> inboxes) {
    this.redis = redis;
    this.inboxes = inboxes;
  }

  /** Everything a dead or stopped worker had claimed goes back to where it came from. */
  public int drain(String worker) {
    int back = 0;
    for (String inbox : inboxes) {
      byte[] claimed = RedisListConsumer.bytes(RedisKeys.claimed(inbox, worker));
      for (byte[] payload : redis.lrange(claimed, 0, -1)) {
        RedisListConsumer.giveBack(redis, inbox, claimed, payload);
        back++;
      }
    }
    if (back > 0) {
      LOG.info("{} messages that worker {} had claimed are back in the inbox", back, worker);
    }
    return back;
  }

  /**
   * What lies in the own claimed lists without anybody working on it, since an answer of Redis was
   * lost. Only what lay there at the look before too: a message on its way into a thread's hands is
   * not left behind.
   */
  public void drainLeftovers(String worker) {
    Set<String> left = new HashSet<>();
    for (String inbox : inboxes) {
      byte[] claimed = RedisListConsumer.bytes(RedisKeys.claimed(inbox, worker));
      for (byte[] payload : redis.lrange(claimed, 0, -1)) {
        if (InHand.has(claimed, payload)) {
          continue;
        }
        String key =
            inbox + '\0' + new String(payload, java.nio.charset.StandardCharsets.ISO_8859_1);
        if (leftAtLastLook.contains(key)) {
          RedisListConsumer.giveBack(redis, inbox, claimed, payload);
        } else {
          left.add(key);
        }
      }
    }
    leftAtLastLook = left;
  }
}
