package routes.job;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Which names may be delivered. What may be is delivered byte for byte. */
final class FileName {
  private FileName() {}

  /**
   * @throws Permanent if neither the ledger nor a remote could hold it as it is
   */
  static void check(Path name) throws Permanent {
    if (!isText(name)) {
      String encoding = System.getProperty("sun.jnu.encoding");
      throw refused(
          "UTF-8"
              + (encoding.equals("UTF-8")
                  ? ""
                  : " (this worker reads names as " + encoding + ": start it with LC_ALL=C.UTF-8)"),
          name);
    }
    if (name.toString().codePoints().anyMatch(Character::isISOControl)) {
      throw refused("no control characters", name);
    }
  }

  /**
   * @throws Permanent for a name that nobody would see, too
   */
  static void checkFolder(Path name) throws Permanent {
    check(name);
    if (name.toString().codePoints().allMatch(FileName::isInvisible)) {
      throw refused("something that can be seen", name);
    }
  }

  /** Whether its bytes are what is made of its text again. */
  private static boolean isText(Path name) {
    try {
      return Path.of(name.toString()).equals(name);
    } catch (InvalidPathException e) {
      return false;
    }
  }

  private static boolean isInvisible(int c) {
    return Character.isWhitespace(c)
        || Character.isSpaceChar(c)
        || Character.getType(c) == Character.FORMAT;
  }

  private static Permanent refused(String expected, Path name) {
    return new Permanent(
        "The name of what was downloaded: expected "
            + expected
            + ", found '"
            + Shown.text(name.toString())
            + "'");
  }
}
