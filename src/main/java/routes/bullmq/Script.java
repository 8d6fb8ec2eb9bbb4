package routes.bullmq;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisNoScriptException;

/** The scripts beside this class; each says in its first lines what goes in and what comes out. */
enum Script {
  ADD,
  DELAY,
  EXTEND,
  FINISH,
  HOLD,
  LOG,
  PROGRESS,
  RETRY,
  STALLED,
  TAKE;

  private final String text = read("queue") + read(name().toLowerCase(Locale.ROOT));
  private final String digest = digest(text);

  /**
   * @throws UnknownBullVersion if the queue is of a version that the scripts do not know; nothing
   *     was changed then
   */
  Object run(UnifiedJedis redis, List<String> keys, List<String> arguments) {
    try {
      try {
        return redis.evalsha(digest, keys, arguments);
      } catch (JedisNoScriptException firstTimeOnThisServer) {
        return redis.eval(text, keys, arguments);
      }
    } catch (JedisDataException e) {
      throw UnknownBullVersion.in(e);
    }
  }

  /**
   * As one of many in a round trip; {@link #answer} gives what it has said.
   *
   * @param pipeline to the same server
   */
  Response<Object> in(AbstractPipeline pipeline, List<String> keys, List<String> arguments) {
    return pipeline.evalsha(digest, keys, arguments);
  }

  /**
   * What it has said in a pipeline that has been read; run now where the server did not know it.
   *
   * @throws UnknownBullVersion as {@link #run}
   */
  Object answer(
      Response<Object> response, UnifiedJedis redis, List<String> keys, List<String> arguments) {
    try {
      return response.get();
    } catch (JedisNoScriptException firstTimeOnThisServer) {
      return run(redis, keys, arguments);
    } catch (JedisDataException e) {
      throw UnknownBullVersion.in(e);
    }
  }

  private static String read(String name) {
    try (InputStream in = Script.class.getResourceAsStream(name + ".lua")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String digest(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
