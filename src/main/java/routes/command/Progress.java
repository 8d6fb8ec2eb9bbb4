package routes.command;

/** Looks at a program's output as it comes. Called from one thread, with whole or cut lines. */
public interface Progress {
  /**
   * @param line without its end; at most a few thousand characters
   */
  void line(String line);
}
