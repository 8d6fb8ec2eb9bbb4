package routes.settings;

/**
 * One thing that is wrong with the settings.
 *
 * @param key the key at fault, as an operator would write it
 * @param expected what would have been right
 * @param found what was there instead; never the value of a secret
 */
public record Fault(String key, String expected, String found) {
  @Override
  public String toString() {
    return key + ": expected " + expected + ", found " + found;
  }
}
