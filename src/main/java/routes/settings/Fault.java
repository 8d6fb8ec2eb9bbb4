package routes.settings;

import java.util.regex.Pattern;

/**
 * One thing that is wrong with the settings.
 *
 * @param key the key at fault, as an operator would write it
 * @param expected what would have been right
 * @param found what was there instead; never the value of a secret
 */
public record Fault(String key, String expected, String found) {
  private static final Pattern UNPRINTABLE =
      Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]");

  /**
   * A value with a line break in it would make two lines of one fault, or move a terminal's cursor.
   */
  public Fault {
    key = UNPRINTABLE.matcher(key).replaceAll("?");
    found = UNPRINTABLE.matcher(found).replaceAll("?");
  }

  @Override
  public String toString() {
    return key + ": expected " + expected + ", found " + found;
  }
}
