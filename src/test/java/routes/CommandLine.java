package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** What a command printed, on both streams, and how it ended. */
record CommandLine(int code, String printed) {
  static CommandLine run(Map<String, String> environment, String... arguments) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    int code = App.run(arguments, environment, out, out);
    return new CommandLine(code, bytes.toString(StandardCharsets.UTF_8));
  }

  /** What it printed. */
  String ended(int expected) {
    assertEquals(expected, code, printed);
    return printed;
  }
}
