package routes.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import fuzz.Hostile;
import fuzz.Property;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What must hold of sandboxes and manifests, whatever a downloader leaves. */
final class FolderProperties {
  private static final Path STAGING = Path.of("target", "fuzz").toAbsolutePath();

  private static final DeliveryRules RULES = new DeliveryRules(false, 1L << 40, 1000, false);

  private FolderProperties() {}

  static List<Property> all() {
    return List.of(
        new Property("sandbox-folder", 60, FolderProperties::folder),
        new Property("manifest-of-files", 60, FolderProperties::taken),
        new Property("manifest-round-trip", FolderProperties::roundTrip),
        new Property("manifest-differences", FolderProperties::differences));
  }

  /** One directory is found by its exact name; clean-up takes all of it and nothing else. */
  private static void folder(Hostile input) throws Exception {
    Path outside = Files.createDirectories(STAGING.resolve("outside"));
    Files.writeString(outside.resolve("precious"), "x");
    Sandbox sandbox = Sandbox.of(STAGING, 1 + input.below(1_000_000));
    sandbox.create("fuzz");
    List<String> folders = new ArrayList<>();
    boolean others = false;
    boolean plain = true;
    for (int i = input.chance(60) ? 1 : input.below(4); i > 0; i--) {
      String name = input.chance(40) ? input.word(30) : input.fileName();
      Path entry = sandbox.path().resolve(name);
      try {
        switch (input.below(5)) {
          case 0 -> Files.createSymbolicLink(entry, input.of(outside, Path.of("/"), Path.of("no")));
          case 1 -> Files.writeString(entry, "x");
          default -> Files.createDirectory(entry);
        }
      } catch (FileAlreadyExistsException twice) {
        continue;
      }
      if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
        folders.add(name);
        plain &= name.matches("[A-Za-z0-9]+");
        Files.createSymbolicLink(entry.resolve("link"), outside);
      } else if (Files.isSymbolicLink(entry) || !name.startsWith(".")) {
        others = true;
      } else {
        plain &= name.startsWith(".");
      }
    }
    boolean one = folders.size() == 1 && !others;
    try {
      String found = sandbox.deliveredFolder(RULES);
      assertTrue(one, "taken with " + folders + (others ? " and others" : ""));
      assertEquals(folders.get(0), found);
    } catch (Exception refused) {
      assertTrue(isRefusal(refused), refused.toString());
      assertFalse(one && plain, "refused: " + folders);
    }
    sandbox.delete();
    assertFalse(Files.exists(sandbox.path(), LinkOption.NOFOLLOW_LINKS));
    assertTrue(Files.exists(outside.resolve("precious")), "it followed a link");
  }

  /** Every file is in it once, by its exact name and size. */
  private static void taken(Hostile input) throws Exception {
    Path sandbox = STAGING.resolve("manifest");
    Path folder = Files.createDirectories(sandbox.resolve("course"));
    Map<String, Long> sizes = new HashMap<>();
    Path where = folder;
    boolean plain = true;
    for (int i = 1 + input.below(4); i > 0; i--) {
      String name = input.fileName();
      plain &= name.matches("[A-Za-z0-9]+");
      Path file = where.resolve(name);
      if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
        continue;
      }
      if (input.chance(30)) {
        where = Files.createDirectory(file);
      } else {
        byte[] content = input.bytes(300);
        Files.write(file, content);
        sizes.put(folder.relativize(file).toString(), (long) content.length);
      }
    }
    try {
      Manifest manifest = Manifest.take(folder, input.of("md5", "sha1", null), RULES);

      Map<String, Long> found = new HashMap<>();
      manifest.files().forEach(entry -> found.put(entry.path(), entry.size()));
      assertEquals(sizes, found);
      assertEquals(sizes.size(), manifest.files().size());
      assertEquals(manifest, Manifest.fromJson(manifest.toJson()));
    } catch (Exception refused) {
      assertTrue(isRefusal(refused), refused.toString());
      assertFalse(plain, refused.toString());
    } finally {
      new Sandbox(sandbox).delete();
    }
  }

  private static boolean isRefusal(Exception e) {
    return e instanceof DownloadFailed || e instanceof Permanent;
  }

  private static Manifest manifest(Hostile input) {
    String hash = input.of("md5", "sha256", null);
    Map<String, Manifest.Entry> files = new HashMap<>();
    for (int i = 1 + input.below(5); i > 0; i--) {
      String path = input.fileName() + input.of("", "/" + input.fileName());
      files.put(
          path,
          new Manifest.Entry(
              path, input.number() & Long.MAX_VALUE, hash == null ? null : input.word(30)));
    }
    return new Manifest(hash, List.copyOf(files.values()));
  }

  /** What the ledger keeps of it is all of it. */
  private static void roundTrip(Hostile input) {
    Manifest manifest = manifest(input);

    assertEquals(manifest, Manifest.fromJson(manifest.toJson()));
  }

  /** Exactly those files are told that are missing, shorter or different. */
  private static void differences(Hostile input) throws IOException {
    Manifest manifest = manifest(input);
    Map<String, Manifest.Entry> there = new HashMap<>();
    int wrong = 0;
    for (Manifest.Entry file : manifest.files()) {
      switch (input.below(5)) {
        case 0 -> wrong++;
        case 1 -> {
          there.put(file.path(), new Manifest.Entry(file.path(), file.size() ^ 1, file.hash()));
          wrong++;
        }
        case 2 -> {
          there.put(file.path(), new Manifest.Entry(file.path(), file.size(), "another"));
          wrong += manifest.hash() == null ? 0 : 1;
        }
        default -> there.put(file.path(), file);
      }
    }
    there.put("more", new Manifest.Entry("more", 1, null));

    assertEquals(wrong, manifest.missingFrom(there).size());
  }
}
