package bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** What the JIT compiler of a process has needed so far. */
final class Jit {
  private Jit() {}

  /** Time of all its threads together; zero for a process that is no JVM. */
  static Duration time(long pid) throws IOException, InterruptedException {
    Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
    Process process =
        new ProcessBuilder(List.of(jcmd.toString(), String.valueOf(pid), "PerfCounter.print"))
            .redirectErrorStream(true)
            .start();
    String all = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    long ticks = counter(all, "java.ci.totalTime");
    return ticks == 0
        ? Duration.ZERO
        : Duration.ofNanos((long) (1e9 * ticks / counter(all, "sun.os.hrt.frequency")));
  }

  private static long counter(String all, String name) {
    return all.lines()
        .filter(line -> line.startsWith(name + "="))
        .mapToLong(line -> Long.parseLong(line.substring(name.length() + 1).strip()))
        .findFirst()
        .orElse(0);
  }
}
