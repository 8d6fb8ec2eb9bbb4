package routes.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import routes.settings.Cage;
import routes.settings.Fault;
import routes.settings.Settings;
import routes.settings.Sources;

/**
 * Whether what is to hold the downloader is there and holds. Asked before a worker starts: a cage
 * that is open, or cannot be closed, would be noticed by nobody afterwards.
 */
public final class CageCheck {
  private static final String USER = "waybill.download.run-as";
  private static final int SECONDS = 10;

  private final Settings settings;
  private final Map<String, String> environment;
  private final List<Fault> faults = new ArrayList<>();

  private CageCheck(Settings settings, Map<String, String> environment) {
    this.settings = settings;
    this.environment = environment;
  }

  /**
   * @param environment of the worker
   * @return what is wrong; empty too if there is to be no cage
   */
  public static List<Fault> faults(Settings settings, Map<String, String> environment) {
    CageCheck check = new CageCheck(settings, environment);
    Cage cage = settings.download().cage();
    if (!cage.limits().isEmpty()) {
      List<String> line = new ArrayList<>(List.of("prlimit"));
      line.addAll(cage.limits());
      line.addAll(List.of("--", "true"));
      check.expect(
          check.succeeds(line), "waybill.download.limits", "limits that prlimit can set here");
    }
    if (!cage.wrapper().isEmpty()) {
      check.expect(
          check.isThere(cage.wrapper().get(0)),
          "waybill.download.wrapper",
          "a program that can be run");
    }
    cage.user().ifPresent(user -> check.user(cage));
    return check.faults;
  }

  private void user(Cage cage) {
    List<String> as;
    try {
      if (!Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))) {
        expect(false, USER, "nothing where the worker is not root");
        return;
      }
      as = CagedLine.of(cage).user();
    } catch (IOException e) {
      expect(false, USER, "the name of a user of this host");
      return;
    }
    if (!succeeds(with(as, "true"))) {
      expect(false, USER, "a user that setpriv can run programs as");
      return;
    }
    expect(succeeds(with(as, "sh", "-c", "test $(id -u) -ne 0")), USER, "a user who is not root");
    expect(
        succeeds(with(as, "test", "-x", staging().toString())),
        USER,
        "a user who may pass through " + staging() + " (STAGING_DIR)");
    expect(isThere(settings.download().program(), as), USER, "a user who may run the downloader");
    secretFiles()
        .filter(file -> succeeds(with(as, "test", "-r", file.toString())))
        .forEach(file -> expect(false, USER, "a user who cannot read " + file));
    expect(canBeFound(as), USER, "a worker that can read /proc/<pid>/environ of that user");
  }

  /** Everything that is found open is a line for the operator. */
  private void expect(boolean well, String key, String expected) {
    if (!well) {
      String found =
          key.equals(USER)
              ? settings.download().cage().user().orElse("")
              : settings.values().getOrDefault(key, "");
      faults.add(new Fault(key, expected, "'" + found + "'"));
    }
  }

  private Path staging() {
    Path staging = settings.download().staging();
    try {
      Files.createDirectories(staging);
    } catch (IOException e) {
      // then nobody may pass through it, and that is said
    }
    return staging;
  }

  /** What the worker was started with, rclone's config, and the settings' file. */
  private Stream<Path> secretFiles() {
    Path home = Path.of(environment.getOrDefault("HOME", "/"));
    Path ownConfig =
        Path.of(environment.getOrDefault("XDG_CONFIG_HOME", home.resolve(".config").toString()))
            .resolve("rclone/rclone.conf");
    return Stream.of(
            Optional.of(Path.of("/proc/" + ProcessHandle.current().pid() + "/environ")),
            Optional.of(settings.upload().config().orElse(ownConfig)),
            Sources.file(environment, Path.of("")).map(Path::toAbsolutePath))
        .flatMap(Optional::stream);
  }

  /** Its mark is how it is found and ended when the worker that started it is gone. */
  private boolean canBeFound(List<String> as) {
    ProcessBuilder builder = new ProcessBuilder(with(as, "sh", "-c", "echo; read -r end"));
    String mark = ProcessTree.mark(settings.download().staging(), ProcessHandle.current().pid());
    builder.environment().clear();
    builder.environment().put("PATH", environment.getOrDefault("PATH", ""));
    builder.environment().put(ProcessTree.MARK, mark);
    try {
      Process process = builder.start();
      try {
        process.getInputStream().read();
        return !ProcessTree.marked(mark::equals).isEmpty();
      } finally {
        process.getOutputStream().close();
        process.destroyForcibly();
      }
    } catch (IOException e) {
      return false;
    }
  }

  private boolean isThere(String program) {
    return isThere(program, List.of());
  }

  private boolean isThere(String program, List<String> as) {
    try {
      Path found = Programs.find(program, environment.getOrDefault("PATH", ""));
      return as.isEmpty() || succeeds(with(as, "test", "-x", found.toString()));
    } catch (IOException e) {
      return false;
    }
  }

  private boolean succeeds(List<String> line) {
    ProcessBuilder builder = new ProcessBuilder(line);
    builder.environment().clear();
    builder.environment().put("PATH", environment.getOrDefault("PATH", ""));
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    try {
      Process process = builder.start();
      try {
        return process.waitFor(SECONDS, TimeUnit.SECONDS) && process.exitValue() == 0;
      } finally {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static List<String> with(List<String> as, String... words) {
    return Stream.concat(as.stream(), Stream.of(words)).toList();
  }
}
