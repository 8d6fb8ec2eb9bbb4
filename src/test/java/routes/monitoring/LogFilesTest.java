package routes.monitoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.settings.Settings;

class LogFilesTest {
  private static final String SECRET = "canary-5d1e";

  /**
   * A line break, a terminal's escape, one of eight bits, a right-to-left override, a separator.
   */
  private static final String HOSTILE =
      "a\r\n2026-01-01 INFO forged\u001b[2Jb\u009bc\u202ed\u2028e";

  private static final Logger LOG = LoggerFactory.getLogger(LogFilesTest.class);

  @TempDir Path directory;
  private final Redactor redactor = new Redactor(Stream.of(SECRET));

  private Path logs() {
    return directory.resolve("new/logs");
  }

  private List<String> log(Runnable what) throws Exception {
    try (AutoCloseable open = LogFiles.open(new Settings.Logs(logs(), 1, 1 << 20), redactor)) {
      what.run();
    }
    return Files.readAllLines(logs().resolve("worker-out.log"));
  }

  @Test
  void should_write_one_line_for_one_message_and_no_secret() throws Exception {
    List<String> lines = log(() -> LOG.warn("key {} of {}", SECRET, HOSTILE));

    assertEquals(1, lines.size(), lines.toString());
    assertTrue(
        lines
            .get(0)
            .endsWith(
                "key *** of a\\r\\n2026-01-01 INFO forged\\u001b[2Jb\\u009bc\\u202ed\\u2028e"),
        lines.get(0));
    assertEquals(lines, Files.readAllLines(logs().resolve("worker-error.log")));
  }

  @Test
  void should_indent_what_a_message_brings_into_a_stack_trace() throws Exception {
    Exception cause = new IllegalStateException(HOSTILE + SECRET);
    List<String> lines = log(() -> LOG.error("it failed", new RuntimeException("x", cause)));

    assertFalse(String.join("", lines).contains(SECRET));
    assertEquals(1, lines.stream().filter(line -> line.matches("\\d{4}-.*")).count());
    assertTrue(lines.contains("\t2026-01-01 INFO forged\\u001b[2Jb\\u009bc\\u202ed\\u2028e***"));
    assertTrue(lines.stream().anyMatch(line -> line.startsWith("Caused by: ")));
  }

  @Test
  void should_let_nobody_else_read_them() throws Exception {
    log(() -> LOG.info("x"));

    assertEquals("rwx------", permissions(logs()));
    try (Stream<Path> files = Files.list(logs())) {
      List<Path> all = files.toList();
      assertEquals(3, all.size(), all.toString());
      for (Path file : all) {
        assertEquals("rw-------", permissions(file), file.toString());
      }
    }
  }

  private static String permissions(Path path) throws Exception {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void should_tell_an_event_that_a_terminal_can_show() throws Exception {
    Events events = new Events(Clock.fixed(Instant.EPOCH, ZoneOffset.UTC), () -> "w", redactor);
    List<String> told = new ArrayList<>();
    events.publishTo(told::add);

    events.tell(Event.REJECTED, 1L, null, null, null, HOSTILE + "\u007f" + SECRET);

    assertTrue(told.get(0).chars().noneMatch(Visible::isHidden), told.get(0));
    assertEquals(
        HOSTILE + "\u007f***", new ObjectMapper().readTree(told.get(0)).path("detail").asText());
  }

  @Test
  void should_report_an_error_in_lines_of_its_own() {
    String report =
        new ErrorReport(redactor)
            .write("download-course", new IllegalStateException(HOSTILE + SECRET), 3);

    List<String> lines = report.lines().toList();
    assertEquals("stage: download-course", lines.get(0));
    assertTrue(lines.get(1).startsWith("reason: IllegalStateException: a\\r\\n2026"), report);
    assertEquals("tries: 3", lines.get(2));
    assertTrue(lines.get(5).startsWith("\t2026-01-01 INFO forged\\u001b"), report);
    assertFalse(report.contains(SECRET));
  }
}
