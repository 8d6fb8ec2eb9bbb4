package routes.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SandboxTest {
  private static final DeliveryRules RULES = new DeliveryRules(false, 1L << 40, 1000, false);

  @TempDir Path staging;
  private Sandbox sandbox;

  @BeforeEach
  void create() throws Exception {
    sandbox = Sandbox.of(staging, 42);
    sandbox.create("delivery-1");
  }

  @Test
  void should_be_for_this_user_alone_and_keep_what_is_in_it() throws Exception {
    Files.writeString(sandbox.path().resolve("half"), "x");

    sandbox.create("delivery-1");

    assertEquals(staging.resolve("Task_42"), sandbox.path());
    assertEquals(
        PosixFilePermissions.fromString("rwx------"),
        Files.getPosixFilePermissions(sandbox.path()));
    assertTrue(Files.exists(sandbox.path().resolve("half")));
  }

  @Test
  void should_find_the_one_folder_beside_a_resume_state() throws Exception {
    Files.createDirectory(sandbox.path().resolve("Khoá học 🎓"));
    Files.writeString(sandbox.path().resolve(".resume"), "x");

    assertEquals("Khoá học 🎓", sandbox.deliveredFolder(RULES));
  }

  @Test
  void should_say_what_it_found_instead() throws Exception {
    assertFound("nothing");
    Files.writeString(sandbox.path().resolve("a.zip"), "x");
    assertFound("a file (a.zip)");
    Files.createDirectory(sandbox.path().resolve("one"));
    assertFound("one directory and a file (a.zip)");
    Files.delete(sandbox.path().resolve("a.zip"));
    Files.createDirectory(sandbox.path().resolve("two"));
    assertFound("2 directories");
  }

  private void assertFound(String what) {
    String message =
        assertThrows(DownloadFailed.class, () -> sandbox.deliveredFolder(RULES)).getMessage();
    assertTrue(message.endsWith("found " + what), message);
  }

  @Test
  void should_remove_links_without_following_them() throws Exception {
    Path outside = Files.createDirectory(staging.resolve("outside"));
    Files.writeString(outside.resolve("precious"), "x");
    Files.createDirectories(sandbox.path().resolve("a/b"));
    Files.createSymbolicLink(sandbox.path().resolve("a/b/link"), outside);

    sandbox.delete();
    sandbox.delete();

    assertFalse(Files.exists(sandbox.path()));
    assertTrue(Files.exists(outside.resolve("precious")));
  }

  @Test
  void should_list_files_with_sizes_and_hashes_and_refuse_links() throws Exception {
    Path folder = Files.createDirectories(sandbox.path().resolve("c/ä"));
    Files.writeString(folder.resolve("x.txt"), "abc");

    Manifest manifest = Manifest.take(sandbox.path().resolve("c"), "md5", RULES);

    assertEquals(
        List.of(new Manifest.Entry("ä/x.txt", 3, "900150983cd24fb0d6963f7d28e17f72")),
        manifest.files());
    assertEquals(manifest, Manifest.fromJson(manifest.toJson()));
    Files.createSymbolicLink(folder.resolve("link"), Path.of("/etc/passwd"));
    assertThrows(Permanent.class, () -> Manifest.take(sandbox.path().resolve("c"), null, RULES));
  }

  @Test
  void should_tell_missing_shorter_and_different_files() {
    Manifest manifest =
        new Manifest(
            "md5",
            List.of(
                new Manifest.Entry("here", 1, "aa"),
                new Manifest.Entry("gone", 1, "bb"),
                new Manifest.Entry("short", 9, "cc"),
                new Manifest.Entry("other", 1, "dd")));

    List<String> faults =
        manifest.missingFrom(
            Map.of(
                "here", new Manifest.Entry("here", 1, "AA"),
                "short", new Manifest.Entry("short", 4, "cc"),
                "other", new Manifest.Entry("other", 1, "ee"),
                "more", new Manifest.Entry("more", 1, "ff")));

    assertEquals(
        List.of("gone: not there", "short: 9 bytes sent, 4 there", "other: its md5 differs"),
        faults);
  }
}
