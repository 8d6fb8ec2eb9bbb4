package routes.settings;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeSet;

/** The file that settings came from, looked at again while the worker runs. */
public final class SettingsFile {
  /**
   * What a change of the file means.
   *
   * @param tuning to be taken over at once
   * @param restart keys that have changed and need a restart
   */
  public record Change(Tuning tuning, List<String> restart) {}

  private final Map<String, String> environment;
  private final Properties system;
  private final Path directory;
  private Map<String, String> values;
  private String seen;

  /**
   * The parameters are those of {@link Sources#read}, and so is what is thrown.
   *
   * @throws BadSettings if the file cannot be read
   */
  public SettingsFile(Map<String, String> environment, Properties system, Path directory)
      throws BadSettings {
    this.environment = environment;
    this.system = system;
    this.directory = directory;
    this.seen = stamp();
    this.values = Map.copyOf(Sources.read(environment, system, directory));
  }

  /**
   * Reads everything anew if the file is not the one that was seen last.
   *
   * @return empty if nothing has changed
   * @throws BadSettings with every fault of the changed file; what was before stays in force
   */
  public Optional<Change> change() throws BadSettings {
    String now = stamp();
    if (now.equals(seen)) {
      return Optional.empty();
    }
    seen = now;
    Map<String, String> read = Sources.read(environment, system, directory);
    Settings settings = Settings.from(read);
    TreeSet<String> changed = new TreeSet<>(read.keySet());
    changed.addAll(values.keySet());
    changed.removeIf(key -> Objects.equals(read.get(key), values.get(key)));
    values = Map.copyOf(read);
    List<String> restart = changed.stream().filter(key -> !Tuning.KEYS.contains(key)).toList();
    return changed.isEmpty()
        ? Optional.empty()
        : Optional.of(new Change(Tuning.of(settings), restart));
  }

  /** Size and time of the file; what cannot be looked at has neither. */
  private String stamp() {
    Optional<Path> file = Sources.file(environment, directory);
    try {
      return file.isEmpty() || !Files.exists(file.get())
          ? ""
          : file.get() + " " + Files.getLastModifiedTime(file.get()) + " " + Files.size(file.get());
    } catch (IOException e) {
      return "";
    }
  }
}
