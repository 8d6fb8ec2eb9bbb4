package routes.webhook;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The two ways a webhook is signed. Source: CONTRACT.md, section 5; the second one: Standard
 * Webhooks 1.0.
 */
public final class Signature {
  private static final String ALGORITHM = "HmacSHA256";
  private static final String STANDARD_PREFIX = "whsec_";

  private Signature() {}

  /**
   * @param secret the shared secret, as text
   * @param timestamp unix seconds
   * @return lower-case hex of the HMAC over task id, folder name and timestamp, written one after
   *     the other in UTF-8
   */
  public static String simple(String secret, long taskId, String folderName, String timestamp) {
    return HexFormat.of()
        .formatHex(
            hmac(
                secret.getBytes(StandardCharsets.UTF_8),
                (taskId + folderName + timestamp).getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * One signature for each secret, with a space between: a receiver that knows one of them finds
   * its own.
   */
  public static String standard(List<String> secrets, String id, String timestamp, byte[] body) {
    return secrets.stream()
        .map(secret -> standard(secret, id, timestamp, body))
        .collect(Collectors.joining(" "));
  }

  /**
   * @param secret {@code whsec_} and base64 of the key, or the key as text
   * @param id the delivery's id, the same on every try
   * @param body the bytes that are sent
   * @return {@code v1,} and base64 of the HMAC over id, timestamp and body, joined by dots
   */
  public static String standard(String secret, String id, String timestamp, byte[] body) {
    byte[] head = (id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8);
    byte[] signed = new byte[head.length + body.length];
    System.arraycopy(head, 0, signed, 0, head.length);
    System.arraycopy(body, 0, signed, head.length, body.length);
    return "v1," + Base64.getEncoder().encodeToString(hmac(key(secret), signed));
  }

  private static byte[] key(String secret) {
    return secret.startsWith(STANDARD_PREFIX)
        ? Base64.getDecoder().decode(secret.substring(STANDARD_PREFIX.length()))
        : secret.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] hmac(byte[] key, byte[] message) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(key, ALGORITHM));
      return mac.doFinal(message);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
