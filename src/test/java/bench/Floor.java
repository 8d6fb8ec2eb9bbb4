package bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * What the two programs of a job cost when nothing else is done: {@code xargs}, a C program of the
 * base system, starts and reaps as many of each, as many at once as there are slots.
 */
final class Floor {
  private Floor() {}

  /**
   * @return pairs a second
   */
  static double measure(Path directory, Path fixture, int pairs) throws Exception {
    Path out = Files.createDirectories(directory.resolve("floor-" + System.nanoTime()));
    long started = System.nanoTime();
    run(pairs, "-I{} /bin/cp -r " + fixture + " " + out + "/{}");
    run(pairs, "-n1 /bin/true");
    return pairs / ((System.nanoTime() - started) / 1e9);
  }

  private static void run(int number, String command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                "/bin/sh", "-c", "seq " + number + " | xargs -P" + Site.SLOTS + " " + command)
            .inheritIO()
            .start();
    if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IOException("the floor could not be measured");
    }
  }
}
