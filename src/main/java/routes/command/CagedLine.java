package routes.command;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import routes.settings.ArgumentTemplate;
import routes.settings.Cage;

/**
 * What is put before the downloader's command line: limits, then the other user, then the
 * operator's wrapper. Each of them starts what follows it in its own place, so that no process more
 * is there.
 */
public final class CagedLine {
  private final List<String> limits;
  private final List<String> user;
  private final List<String> wrapper;

  private CagedLine(List<String> limits, List<String> user, List<String> wrapper) {
    this.limits = limits;
    this.user = user;
    this.wrapper = wrapper;
  }

  /**
   * @throws IOException if there is no such user
   */
  public static CagedLine of(Cage cage) throws IOException {
    List<String> limits = new ArrayList<>();
    if (!cage.limits().isEmpty()) {
      limits.add("prlimit");
      limits.addAll(cage.limits());
      limits.add("--");
    }
    Optional<String> name = cage.user();
    return new CagedLine(limits, name.isPresent() ? asUser(name.get()) : List.of(), cage.wrapper());
  }

  /**
   * Its first group is looked up once: setpriv wants it named, and the groups it has beside that
   * one are the user's, none of the worker's.
   */
  private static List<String> asUser(String name) throws IOException {
    return List.of(
        "setpriv",
        "--reuid=" + name,
        "--regid=" + firstGroup(name),
        "--init-groups",
        "--inh-caps=-all",
        "--no-new-privs",
        "--");
  }

  private static String firstGroup(String user) throws IOException {
    Process id = new ProcessBuilder("id", "-g", "--", user).start();
    try {
      String group =
          new String(id.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
      if (!id.waitFor(10, TimeUnit.SECONDS) || id.exitValue() != 0 || !group.matches("\\d+")) {
        throw new IOException("there is no user " + user);
      }
      return group;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      id.destroyForcibly();
    }
  }

  /** The words before the program of a job. */
  List<String> before(Path sandbox, long taskId) {
    List<String> line = new ArrayList<>(limits);
    line.addAll(user);
    line.addAll(
        ArgumentTemplate.fill(
            wrapper, Map.of("sandbox", sandbox.toString(), "taskId", String.valueOf(taskId))));
    return line;
  }

  /** The words that make another program the user's. */
  List<String> user() {
    return user;
  }
}
