package routes.monitoring;

/**
 * Shows characters that would otherwise do something: begin a line that looks like another record,
 * move a terminal's cursor, turn the direction of writing round. They are written as {@code \n} or
 * <code>\\u202e</code>.
 */
public final class Visible {
  private static final String CAUSE = "Caused by: ";

  private Visible() {}

  /** Whether it does something instead of being seen. */
  public static boolean isHidden(int c) {
    if (c < 0x7f) {
      return c < ' ';
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          true;
      default -> false;
    };
  }

  /** One line. A tab stays as it is. */
  public static String line(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c != '\t' && (isHidden(c) || Character.isSurrogate(c))) {
        return escape(text);
      }
    }
    return text;
  }

  private static String escape(String text) {
    StringBuilder line = new StringBuilder(text.length() + 16);
    text.codePoints()
        .forEach(
            c -> {
              if (c == '\t' || !isHidden(c) && Character.getType(c) != Character.SURROGATE) {
                line.appendCodePoint(c);
              } else if (c == '\n') {
                line.append("\\n");
              } else if (c == '\r') {
                line.append("\\r");
              } else {
                for (char unit : Character.toChars(c)) {
                  line.append(String.format("\\u%04x", (int) unit));
                }
              }
            });
    return line.toString();
  }

  /**
   * A stack trace. Its lines stay lines, and those that a message has brought along are indented:
   * none but the first begins as a record does.
   */
  public static String trace(String printed) {
    StringBuilder trace = new StringBuilder(printed.length() + 16);
    for (String line : printed.split("\n")) {
      if (!trace.isEmpty() && !line.startsWith("\t") && !line.startsWith(CAUSE)) {
        trace.append('\t');
      }
      trace
          .append(line(line.endsWith("\r") ? line.substring(0, line.length() - 1) : line))
          .append('\n');
    }
    return trace.toString();
  }
}
