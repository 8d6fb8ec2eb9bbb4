package routes.queue;

import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which claimed messages a thread of this process is working on; the others in a claimed list were
 * left behind.
 */
final class InHand {
  private static final Set<String> MESSAGES = ConcurrentHashMap.newKeySet();

  private InHand() {}

  static void add(byte[] claimed, byte[] payload) {
    MESSAGES.add(key(claimed, payload));
  }

  static void remove(byte[] claimed, byte[] payload) {
    MESSAGES.remove(key(claimed, payload));
  }

  static boolean has(byte[] claimed, byte[] payload) {
    return MESSAGES.contains(key(claimed, payload));
  }

  private static String key(byte[] claimed, byte[] payload) {
    return new String(claimed, StandardCharsets.UTF_8)
        + '\0'
        + new String(payload, StandardCharsets.ISO_8859_1);
  }
}
