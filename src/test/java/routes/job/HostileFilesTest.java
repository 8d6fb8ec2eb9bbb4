package routes.job;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.file.attribute.PosixFilePermissions.fromString;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a downloader could leave in its sandbox, or do to it, so that we harm ourselves. */
class HostileFilesTest {
  private static final DeliveryRules REFUSE = new DeliveryRules(false, 1L << 40, 1000, false);
  private static final DeliveryRules SKIP = new DeliveryRules(true, 1L << 40, 1000, false);
  private static final Duration AT_ONCE = Duration.ofSeconds(20);
  private static final boolean ROOT = "root".equals(System.getProperty("user.name"));

  @TempDir Path directory;
  private Path outside;
  private Sandbox sandbox;

  @BeforeEach
  void create() throws Exception {
    outside = Files.createDirectories(directory.resolve("outside/inner")).getParent();
    Files.writeString(outside.resolve("precious"), "precious");
    Files.writeString(outside.resolve("inner/precious"), "precious");
    sandbox = Sandbox.of(directory.resolve("staging"), 42);
    sandbox.create("delivery-1");
    Files.createDirectories(sandbox.path().resolve("Course/part/one"));
    Files.writeString(sandbox.path().resolve("Course/part/a.txt"), "a");
  }

  private void assertNothingOutsideIsTouched() throws IOException {
    assertEquals("precious", Files.readString(outside.resolve("precious")));
    assertEquals("precious", Files.readString(outside.resolve("inner/precious")));
  }

  private Manifest take(DeliveryRules rules) throws Exception {
    String folder = sandbox.deliveredFolder(rules);
    return Manifest.take(sandbox.path().resolve(folder), "md5", rules);
  }

  private void plant(String kind, Path where) throws Exception {
    switch (kind) {
      case "link to a file" -> Files.createSymbolicLink(where, outside.resolve("precious"));
      case "link to a directory" -> Files.createSymbolicLink(where, outside);
      case "dangling link" -> Files.createSymbolicLink(where, Path.of("/no/such/file"));
      case "link to itself" -> Files.createSymbolicLink(where, where.getFileName());
      case "hard link" -> Files.createLink(where, outside.resolve("precious"));
      case "fifo" -> run("mkfifo", where.toString());
      case "device" -> run("mknod", where.toString(), "c", "1", "5");
      case "socket" -> {
        // A socket's address is at most 108 bytes long; its file may be anywhere.
        Path near = Path.of("/tmp", "waybill-" + ProcessHandle.current().pid());
        try (ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
          socket.bind(UnixDomainSocketAddress.of(near));
          Files.move(near, where);
        }
      }
      default -> throw new IllegalArgumentException(kind);
    }
  }

  private static void run(String... line) throws Exception {
    Process process = new ProcessBuilder(line).inheritIO().start();
    assertEquals(0, process.waitFor(), () -> String.join(" ", line));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "link to a file",
        "link to a directory",
        "dangling link",
        "link to itself",
        "hard link",
        "fifo",
        "socket",
        "device"
      })
  void should_refuse_whatever_is_no_file_of_its_own_at_any_depth(String kind) throws Exception {
    if (kind.equals("device") && !ROOT) {
      return;
    }
    for (String where : List.of("Course/part/one/odd", "Course/odd", ".odd")) {
      Path odd = sandbox.path().resolve(where);
      plant(kind, odd);

      Permanent refused =
          assertTimeoutPreemptively(
              AT_ONCE, () -> assertThrows(Permanent.class, () -> take(REFUSE), where));

      assertTrue(refused.getMessage().contains(": " + where + " ("), refused.getMessage());
      assertTrue(Files.deleteIfExists(odd), "it is still there for whoever looks why");
    }
    assertEquals(1, take(REFUSE).files().size());
    assertNothingOutsideIsTouched();
  }

  @ParameterizedTest
  @ValueSource(strings = {"link to a file", "link to a directory", "dangling link", "hard link"})
  void should_take_links_out_and_deliver_the_rest_when_told_to(String kind) throws Exception {
    for (String where : List.of("Course/part/one/odd", "Course/odd", "odd")) {
      plant(kind, sandbox.path().resolve(where));
    }
    if (kind.equals("hard link")) {
      // Beside the folder a file is too much, whatever other names it has.
      Files.delete(sandbox.path().resolve("odd"));
    }

    List<Manifest.Entry> files = take(SKIP).files();

    assertEquals(List.of("part/a.txt"), files.stream().map(Manifest.Entry::path).toList());
    assertFalse(Files.isSymbolicLink(sandbox.path().resolve("Course/odd")));
    assertFalse(Files.exists(sandbox.path().resolve("Course/odd")));
    assertNothingOutsideIsTouched();
  }

  @Test
  void should_refuse_a_fifo_when_links_are_skipped_too() throws Exception {
    plant("fifo", sandbox.path().resolve("Course/odd"));

    assertTimeoutPreemptively(AT_ONCE, () -> assertThrows(Permanent.class, () -> take(SKIP)));
  }

  @Test
  void should_deliver_files_whose_other_names_are_in_the_sandbox() throws Exception {
    Path file = sandbox.path().resolve("Course/part/a.txt");
    Files.createLink(sandbox.path().resolve("Course/b.txt"), file);
    Files.createLink(sandbox.path().resolve(".kept"), file);

    assertEquals(2, take(REFUSE).files().size());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "bad\\377|UTF-8, found 'bad\uFFFD'",
        "\\300\\257|UTF-8",
        "a\\nb|no control characters, found 'a\\u000Ab'",
        "a\\033[2Jb|no control characters, found 'a\\u001B[2Jb'",
        "a\\302\\205b|no control characters, found 'a\\u0085b'",
        "   |something that can be seen, found '   '",
        "\\342\\200\\217\\302\\240|something that can be seen",
      })
  void should_refuse_names_that_cannot_be_delivered_as_they_are(String name, String said)
      throws Exception {
    run("sh", "-c", "mkdir \"$1/$(printf \"$2\")\"", "sh", sandbox.path().toString(), name);
    run("rm", "-r", sandbox.path().resolve("Course").toString());

    String message = assertThrows(Permanent.class, () -> take(REFUSE)).getMessage();

    assertTrue(message.contains("expected " + said), message);
  }

  @Test
  void should_refuse_such_names_of_files_too() throws Exception {
    run("sh", "-c", "echo > \"$1/Course/part/$(printf 'x\\377y')\"", "sh", sandbox.path() + "");

    String message = assertThrows(Permanent.class, () -> take(REFUSE)).getMessage();

    assertTrue(message.contains("expected UTF-8, found 'x\uFFFDy'"), message);
  }

  @Test
  void should_stop_counting_files_at_the_limit() throws Exception {
    for (int i = 0; i < 50; i++) {
      Files.createDirectory(sandbox.path().resolve("Course/part/" + i));
    }
    DeliveryRules few = new DeliveryRules(false, 1L << 40, 20, false);

    Permanent refused = assertThrows(SandboxOutgrown.class, () -> take(few));

    assertTrue(refused.getMessage().contains("at most 20 files"), refused.getMessage());
    assertThrows(SandboxOutgrown.class, () -> Disk.measure(sandbox.path(), 1 << 20, 20));
    Disk.measure(sandbox.path(), 1 << 20, 1000);
  }

  @Test
  void should_count_a_file_that_is_all_hole_in_full() throws Exception {
    for (String name : List.of("one", "two", "three")) {
      try (var file = new RandomAccessFile(sandbox.path().resolve(name).toFile(), "rw")) {
        file.setLength(1L << 40);
      }
    }

    assertThrows(SandboxOutgrown.class, () -> Disk.measure(sandbox.path(), 3L << 40, 1000));
    Disk.measure(sandbox.path(), (3L << 40) + 1, 1000);
    Files.delete(sandbox.path().resolve("two"));
    Files.delete(sandbox.path().resolve("three"));
    DeliveryRules small = new DeliveryRules(false, 1L << 40, 1000, false);
    assertThrows(
        SandboxOutgrown.class, () -> Manifest.take(sandbox.path().resolve("Course"), null, small));
    Manifest.take(
        sandbox.path().resolve("Course"),
        null,
        new DeliveryRules(false, (1L << 40) + 1, 1000, false));
    assertThrows(SandboxOutgrown.class, () -> sandbox.deliveredFolder(small));
  }

  @Test
  void should_not_be_impressed_by_directories_without_end() throws Exception {
    // Deeper than a path can be long: chains of a thousand, put into each other.
    Path chain = sandbox.path().resolve("chain");
    Files.createDirectory(chain);
    for (int i = 0; i < 4; i++) {
      Path next = sandbox.path().resolve("next");
      Path deepest = next.resolve("d/".repeat(1000));
      Files.createDirectories(deepest);
      Files.move(chain, deepest.resolve("e"));
      Files.move(next, chain);
    }
    Files.move(chain, sandbox.path().resolve("Course/chain"));

    assertTrue(
        assertThrows(Permanent.class, () -> take(REFUSE)).getMessage().contains("at most 64"));
    assertThrows(Permanent.class, () -> Disk.measure(sandbox.path(), 1 << 20, 100_000));
    sandbox.delete();

    assertFalse(Files.exists(sandbox.path()));
  }

  @Test
  void should_refuse_a_sandbox_that_is_a_link() throws Exception {
    sandbox.delete();
    Files.createSymbolicLink(sandbox.path(), outside);

    String message = assertThrows(Permanent.class, () -> sandbox.create("delivery-1")).getMessage();
    assertThrows(NotDirectoryException.class, () -> sandbox.deliveredFolder(SKIP));
    assertThrows(NotDirectoryException.class, () -> Disk.measure(sandbox.path(), 1, 1000));
    sandbox.delete();

    assertTrue(message.endsWith("expected a directory, found a file or a link"), message);
    assertFalse(Files.isSymbolicLink(sandbox.path()));
    assertNothingOutsideIsTouched();
  }

  @Test
  void should_be_for_one_user_alone_whatever_was_done_to_it() throws Exception {
    Files.setPosixFilePermissions(sandbox.path(), fromString("rwxrwxrwx"));

    sandbox.create("delivery-1");

    assertEquals(fromString("rwx------"), Files.getPosixFilePermissions(sandbox.path()));
  }

  /** What a JVM says of the one folder in a sandbox, under a locale of its own. */
  public static final class Teller {
    public static void main(String[] arguments) throws Exception {
      try {
        new Sandbox(Path.of(arguments[0])).deliveredFolder(REFUSE);
      } catch (Permanent refused) {
        System.out.println(refused.getMessage());
      }
    }
  }

  @Test
  void should_say_what_to_do_where_the_locale_cannot_tell_names() throws Exception {
    run("mv", sandbox.path().resolve("Course").toString(), sandbox.path().resolve("Khoá") + "");
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin/java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            Teller.class.getName(),
            sandbox.path().toString());
    builder.environment().put("LC_ALL", "C");

    String said = new String(builder.start().getInputStream().readAllBytes(), US_ASCII);

    assertTrue(said.contains("expected UTF-8 (this worker reads names as ANSI_X3.4-1968"), said);
    assertTrue(said.contains("start it with LC_ALL=C.UTF-8"), said);
  }

  /** Another process makes one, since a umask is a process's own. */
  public static final class Maker {
    public static void main(String[] arguments) throws Exception {
      Sandbox.of(Path.of(arguments[0]), 7).create("delivery-7");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0000", "0277"})
  void should_be_for_one_user_alone_under_any_umask(String umask) throws Exception {
    Path staging = sandbox.path().getParent();
    run(
        "sh",
        "-c",
        "umask $1; exec \"$2\" -XX:TieredStopAtLevel=1 -cp \"$3\" \"$4\" \"$5\"",
        "sh",
        umask,
        Path.of(System.getProperty("java.home"), "bin/java").toString(),
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
        Maker.class.getName(),
        staging.toString());

    assertEquals(fromString("rwx------"), Files.getPosixFilePermissions(staging.resolve("Task_7")));
  }

  @Test
  void should_give_it_to_another_user_and_take_it_over_again() throws Exception {
    String other = ROOT ? "nobody" : System.getProperty("user.name");
    Path part = sandbox.path().resolve("Course/part");

    sandbox.giveTo(other);
    assertEquals(other, Files.getOwner(sandbox.path()).getName());
    assertEquals(other, Files.getOwner(part).getName());
    Files.setPosixFilePermissions(part, fromString("rwxrwxrwx"));
    take(new DeliveryRules(false, 1L << 40, 1000, true));

    assertEquals(System.getProperty("user.name"), Files.getOwner(sandbox.path()).getName());
    assertEquals(System.getProperty("user.name"), Files.getOwner(part).getName());
    assertEquals(fromString("rwx------"), Files.getPosixFilePermissions(part));
  }

  @Test
  void should_not_open_what_came_in_a_directory_s_place() throws Exception {
    Path part = sandbox.path().resolve("Course/part");
    try (SecureDirectoryStream<Path> course = Tree.open(sandbox.path().resolve("Course"))) {
      BasicFileAttributes seen = Tree.attributes(course, Path.of("part"));
      Files.move(part, sandbox.path().resolve("aside"));
      assertGone(course, seen, NoSuchFileException.class);
      plant("fifo", part);
      assertGone(course, seen, NotDirectoryException.class);
      Files.delete(part);
      plant("link to a directory", part);
      assertGone(course, seen, NotDirectoryException.class);
      Files.delete(part);
      Files.createDirectory(part);
      assertGone(course, seen, NotDirectoryException.class);
      Files.delete(part);
      Files.move(sandbox.path().resolve("aside"), part);

      Tree.open(course, Path.of("part"), seen).close();
    }
  }

  private static void assertGone(
      SecureDirectoryStream<Path> course,
      BasicFileAttributes seen,
      Class<? extends IOException> how) {
    assertTimeoutPreemptively(
        AT_ONCE, () -> assertThrows(how, () -> Tree.open(course, Path.of("part"), seen)));
  }

  /** Again and again, as fast as it can, whatever is there and whatever is not. */
  private static void swap(Path part, Path aside, Path link, AtomicBoolean on) {
    while (on.get()) {
      try {
        Files.move(part, aside);
        Files.createSymbolicLink(part, link);
        Files.delete(part);
        Files.move(aside, part);
      } catch (IOException removedMeanwhile) {
        aside.toFile().renameTo(part.toFile());
      }
    }
  }

  @Test
  void should_remove_nothing_outside_while_a_directory_is_swapped_for_a_link() throws Exception {
    Path part = sandbox.path().resolve("Course/part");
    Path aside = sandbox.path().resolve("Course/aside");
    for (int i = 0; i < 200; i++) {
      Files.writeString(outside.resolve("f" + i), "precious");
    }
    sandbox.delete();
    AtomicBoolean on = new AtomicBoolean(true);
    Thread attacker = new Thread(() -> swap(part, aside, outside, on));
    attacker.start();
    try {
      long end = System.nanoTime() + Duration.ofMillis(1500).toNanos();
      while (System.nanoTime() < end) {
        // Made aside: by its path it could be made outside.
        Path ready = sandbox.path().resolveSibling("ready");
        Files.createDirectories(ready.resolve("Course/part"));
        for (int i = 0; i < 200; i++) {
          Files.createFile(ready.resolve("Course/part/f" + i));
        }
        Files.move(ready, sandbox.path());
        removeForSure();
        assertNothingOutsideIsTouched();
        for (int i = 0; i < 200; i++) {
          assertEquals("precious", Files.readString(outside.resolve("f" + i)));
        }
      }
    } finally {
      on.set(false);
      attacker.join();
    }
  }

  /** What comes while it is removed is removed at the next try, as the clean-up does. */
  private void removeForSure() {
    while (Files.exists(sandbox.path())) {
      try {
        sandbox.delete();
      } catch (IOException somethingCameLast) {
        Thread.onSpinWait();
      }
    }
  }
}
