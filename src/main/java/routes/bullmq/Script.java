package routes.bullmq;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
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

  /** What a script is called with. */
  record Call(List<String> keys, List<String> arguments) {}

  /**
   * Many calls in one round trip.
   *
   * @return what each has said, in their order
   * @throws UnknownBullVersion as {@link #run}
   */
  List<Object> runAll(UnifiedJedis redis, List<Call> calls) {
    List<Response<Object>> responses = new ArrayList<>();
    try (AbstractPipeline pipeline = redis.pipelined()) {
      calls.forEach(call -> responses.add(pipeline.evalsha(digest, call.keys(), call.arguments())));
      pipeline.sync();
    }
    List<Object> answers = new ArrayList<>();
    for (int i = 0; i < calls.size(); i++) {
      answers.add(answer(responses.get(i), redis, calls.get(i)));
    }
    return answers;
  }

  private Object answer(Response<Object> response, UnifiedJedis redis, Call call) {
    try {
      return response.get();
    } catch (JedisNoScriptException firstTimeOnThisServer) {
      return run(redis, call.keys(), call.arguments());
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
