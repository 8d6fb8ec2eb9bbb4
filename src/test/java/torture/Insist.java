package torture;

import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.exceptions.JedisException;

/** The shop's own side goes through the same outages, and does not give up either. */
final class Insist {
  interface Work<T> {
    T run() throws Exception;
  }

  private Insist() {}

  static <T> T on(Work<T> work) throws Exception {
    Exception last = null;
    for (int i = 0; i < 300; i++) {
      try {
        return work.run();
      } catch (SQLException | JedisException e) {
        last = e;
        TimeUnit.MILLISECONDS.sleep(100);
      }
    }
    throw last;
  }
}
