package routes.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import routes.monitoring.Redactor;
import routes.settings.Settings;

class TaskLogTest {
  private static final int MOST = 64 * 1024;
  private static final Pattern MARK = Pattern.compile("\n--- (\\d+) bytes are left out here -+\n");

  @TempDir Path directory;

  private Path file() {
    return TaskLog.fileOf(directory, 7);
  }

  private TaskLog open() {
    return TaskLog.open(new Settings.Logs(directory, 1, MOST), 7);
  }

  private static void print(TaskLog log, int from, int to) {
    for (int i = from; i < to; i++) {
      byte[] line = ("line " + i + "\n").getBytes(StandardCharsets.UTF_8);
      log.write(line, 0, line.length);
    }
  }

  private static int length(int from, int to) {
    int length = 0;
    for (int i = from; i < to; i++) {
      length += ("line " + i + "\n").length();
    }
    return length;
  }

  @Test
  void should_keep_the_first_half_and_the_last_of_all_tries() throws Exception {
    for (int n = 0; n < 10; n++) {
      try (TaskLog log = open()) {
        log.header("try " + n);
        print(log, n * 10_000, (n + 1) * 10_000);
        assertTrue(Files.size(file()) <= MOST, "it has " + Files.size(file()));
      }
    }

    String text = Files.readString(file());
    assertTrue(text.startsWith("--- try 0 ---\nline 0\nline 1\n"), text.substring(0, 40));
    assertTrue(text.endsWith("\nline 99998\nline 99999\n"), text.substring(text.length() - 40));
    Matcher mark = MARK.matcher(text);
    assertTrue(mark.find());
    assertEquals(MOST / 2, mark.start());
    long headers = 10 * "--- try 0 ---\n".length();
    assertEquals(
        length(0, 100_000) + headers,
        Long.parseLong(mark.group(1)) + text.length() - mark.group().length());
    List<String> after = text.substring(mark.end()).lines().toList();
    assertTrue(after.size() > 1000, "only " + after.size() + " lines of the end");
    assertTrue(after.stream().allMatch(line -> line.matches("line \\d{5}|--- try 9 ---")));
    assertTrue(!mark.find(), "one mark");
  }

  @Test
  void should_leave_a_log_alone_that_just_fits() throws Exception {
    byte[] half = new byte[MOST / 2];
    java.util.Arrays.fill(half, (byte) 'x');
    try (TaskLog log = open()) {
      log.write(half, 0, half.length);
      log.write(half, 0, half.length);
    }
    assertEquals("x".repeat(MOST), Files.readString(file()));
    try (TaskLog log = open()) {
      log.write(half, 0, half.length);
    }
    assertTrue(Files.size(file()) <= MOST);
    assertTrue(Files.readString(file()).startsWith("x".repeat(MOST / 2) + "\n--- "));
  }

  @Test
  void should_let_nobody_else_read_it() throws Exception {
    try (TaskLog log = open()) {
      log.header("a try");
    }

    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file())));
    assertEquals(
        "rwx------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(file().getParent())));
  }

  /** As programs print it: one read may end within a secret. */
  @Test
  void should_not_write_what_a_program_says_of_a_secret() throws Exception {
    String secret = "canary-8c02";
    byte[] printed =
        ("x".repeat(16 * 1024 - 5) + secret + "\ntoken=" + secret).getBytes(StandardCharsets.UTF_8);
    try (TaskLog log = open()) {
      new OutputPump(
              new ByteArrayInputStream(printed), log, new Redactor(Stream.of(secret)), null, false)
          .run();
    }

    assertEquals("x".repeat(16 * 1024 - 5) + "***\ntoken=***", Files.readString(file()));
  }
}
