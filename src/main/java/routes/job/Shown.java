package routes.job;

/**
 * Text from outside as it may stand in a message: escaped, since logs and pages repeat it, and cut.
 */
final class Shown {
  /** Characters; what is longer says nothing more to a person. */
  private static final int LONGEST = 120;

  private Shown() {}

  /**
   * Control characters, marks that turn the direction of writing, and halves of characters become
   * {@code \}{@code uXXXX}.
   */
  static String text(String outside) {
    StringBuilder shown = new StringBuilder();
    int[] characters = outside.codePoints().limit(LONGEST).toArray();
    for (int c : characters) {
      if (isHarmless(c)) {
        shown.appendCodePoint(c);
      } else {
        shown.append(String.format("\\u%04X", c));
      }
    }
    return outside.codePoints().skip(LONGEST).findAny().isPresent() ? shown + "…" : shown + "";
  }

  private static boolean isHarmless(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
