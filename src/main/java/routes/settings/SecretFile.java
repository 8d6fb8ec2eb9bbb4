package routes.settings;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;

/**
 * A file that holds one secret and nothing else, as Docker, Kubernetes and systemd hand them out.
 *
 * @param othersMayRead whether users who are neither its owner nor in its group can read it too
 */
record SecretFile(String content, boolean othersMayRead) {
  /** What the key of a secret's file ends with. */
  static final String KEY = "-file";

  static final String EXPECTED = "a readable file in UTF-8, not empty, of at most 64 KiB";

  private static final int MOST = 64 * 1024;

  /** Why it cannot be used; never a word of what it holds. */
  static final class Unusable extends Exception {
    Unusable(String reason) {
      super(reason, null);
    }
  }

  /**
   * @throws Unusable if it is none, cannot be read, is empty, too long or no UTF-8
   */
  static SecretFile read(String name) throws Unusable {
    try {
      Path file = Path.of(name);
      // A pipe would be waited for, and a device never end.
      if (!Files.isRegularFile(file)) {
        throw new Unusable(Files.exists(file) ? "not a file" : "not there");
      }
      byte[] bytes;
      try (InputStream in = Files.newInputStream(file)) {
        bytes = in.readNBytes(MOST + 1);
      }
      if (bytes.length > MOST) {
        throw new Unusable("longer");
      }
      String content = withoutLineBreak(decode(bytes));
      if (content.isBlank()) {
        throw new Unusable("empty");
      }
      return new SecretFile(content, othersMayRead(file));
    } catch (CharacterCodingException e) {
      throw new Unusable("no UTF-8");
    } catch (IOException | InvalidPathException e) {
      throw new Unusable("not readable (" + e.getClass().getSimpleName() + ")");
    }
  }

  private static String decode(byte[] bytes) throws CharacterCodingException {
    return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
  }

  /** An editor's, or echo's. One: a secret may end with another. */
  private static String withoutLineBreak(String text) {
    if (text.endsWith("\r\n")) {
      return text.substring(0, text.length() - 2);
    }
    return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
  }

  private static boolean othersMayRead(Path file) throws IOException {
    return Files.getFileStore(file).supportsFileAttributeView("posix")
        && Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ);
  }

  @Override
  public String toString() {
    return "a secret";
  }
}
