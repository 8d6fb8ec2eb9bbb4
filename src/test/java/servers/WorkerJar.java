package servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The built jar as a process of its own, as an operator runs it. */
public final class WorkerJar {
  private static final Path JAR = Path.of("target", "waybill.jar").toAbsolutePath();

  /** A worker of a test ends long before the JVM's second compiler has paid for itself. */
  private static final String SHORT_LIVED = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1";

  private static int started;

  private WorkerJar() {}

  /**
   * A worker that ends with SIGTERM when the test does. Its output is in {@code worker-<n>.log}.
   */
  public static LocalProcess start(Shop shop, String... overrides) throws IOException {
    return LocalProcess.start(
        "worker-" + ++started, "TERM", shop.directory(), environment(shop, overrides), command());
  }

  /**
   * A worker for which, and for whose programs, the disk is full as soon as a file holds this much.
   */
  public static LocalProcess startWithFilesOfAtMost(int kib, Shop shop, String... overrides)
      throws IOException {
    List<String> command =
        new ArrayList<>(List.of("/bin/sh", "-c", "ulimit -f " + 2 * kib + "; exec \"$@\"", "sh"));
    command.addAll(command());
    return LocalProcess.start(
        "worker-" + ++started, "TERM", shop.directory(), environment(shop, overrides), command);
  }

  public static Path path() throws IOException {
    if (!Files.exists(JAR)) {
      throw new IOException(JAR + " is missing: ./waybill build makes it");
    }
    return JAR;
  }

  public static List<String> command(String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                path().toString()));
    command.addAll(List.of(arguments));
    return command;
  }

  /**
   * @param overrides settings by their environment names, in pairs
   */
  public static Map<String, String> environment(Shop shop, String... overrides) {
    Map<String, String> environment = new LinkedHashMap<>(shop.environment());
    environment.put("JDK_JAVA_OPTIONS", SHORT_LIVED);
    for (int i = 0; i < overrides.length; i += 2) {
      environment.put(overrides[i], overrides[i + 1]);
    }
    return environment;
  }
}
