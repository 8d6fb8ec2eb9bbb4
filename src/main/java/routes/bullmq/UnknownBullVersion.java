package routes.bullmq;

import redis.clients.jedis.exceptions.JedisDataException;

/**
 * The queue was written by a BullMQ whose layout is not known here. Nothing of it has been touched.
 */
public final class UnknownBullVersion extends RuntimeException {
  private static final String CODE = "BULLVERSION ";

  private UnknownBullVersion(String found) {
    super("version of the queue: expected BullMQ 5 or 6, found " + found, null, false, false);
  }

  /** What a script has refused, or the exception as it is. */
  static RuntimeException in(JedisDataException refused) {
    String message = refused.getMessage();
    int at = message == null ? -1 : message.indexOf(CODE);
    return at < 0 ? refused : new UnknownBullVersion(message.substring(at + CODE.length()));
  }
}
