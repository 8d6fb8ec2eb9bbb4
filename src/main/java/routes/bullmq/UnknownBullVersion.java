package routes.bullmq;

import java.util.regex.Pattern;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * The queue was written by a BullMQ whose layout is not known here. Nothing of it has been touched.
 */
public final class UnknownBullVersion extends RuntimeException {
  private static final String CODE = "BULLVERSION ";
  private static final Pattern KNOWN = Pattern.compile("^bullmq:[56]\\.");

  private UnknownBullVersion(String found) {
    super(reason(found), null, false, false);
  }

  /** Whether the scripts know what a queue's meta says of its version; null: nothing yet. */
  static boolean knows(String version) {
    return version == null || KNOWN.matcher(version).find();
  }

  static String reason(String found) {
    return "version of the queue: expected BullMQ 5 or 6, found " + found;
  }

  /** What a script has refused, or the exception as it is. */
  static RuntimeException in(JedisDataException refused) {
    String message = refused.getMessage();
    int at = message == null ? -1 : message.indexOf(CODE);
    return at < 0 ? refused : new UnknownBullVersion(message.substring(at + CODE.length()));
  }
}
