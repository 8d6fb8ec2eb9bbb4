package routes.settings;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
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
   * @param tuning to be in force from now on
   * @param restart keys that have changed since the last look and need a restart
   */
  public record Change(Tuning tuning, List<String> restart) {}

  private final Map<String, String> environment;
  private final Properties system;
  private final Path directory;
  private Map<String, String> values;
  private String seen = "";

  /** The parameters are those of {@link Sources#read}. */
  public SettingsFile(Map<String, String> environment, Properties system, Path directory) {
    this.environment = environment;
    this.system = system;
    this.directory = directory;
    this.values = valuesNow();
  }

  private Map<String, String> valuesNow() {
    try {
      return Map.copyOf(Sources.read(environment, system, directory));
    } catch (BadSettings changedSinceTheStart) {
      return null;
    }
  }

  /**
   * Reads everything anew if the file is not the one that was seen last; at the first call in any
   * case, since it may have changed while the worker was waiting for its stores.
   *
   * @return empty if there is nothing new; a file that is gone is on its way, and nothing new
   * @throws BadSettings with every fault of the changed file; what was before stays in force
   */
  public Optional<Change> change() throws BadSettings {
    String now = stamp();
    if (now.isEmpty() || now.equals(seen)) {
      return Optional.empty();
    }
    seen = now;
    Map<String, String> read = Sources.read(environment, system, directory);
    Settings settings = Settings.from(read);
    TreeSet<String> changed = new TreeSet<>();
    if (values != null) {
      changed.addAll(read.keySet());
      changed.addAll(values.keySet());
      changed.removeIf(key -> Objects.equals(read.get(key), values.get(key)));
    }
    changed.removeAll(Tuning.KEYS);
    values = Map.copyOf(read);
    return Optional.of(new Change(Tuning.of(settings), List.copyOf(changed)));
  }

  /** Which file it is, its size and its time; blank if there is none. */
  private String stamp() {
    Optional<Path> file = Sources.file(environment, directory);
    if (file.isEmpty()) {
      return "";
    }
    try {
      BasicFileAttributes now = Files.readAttributes(file.get(), BasicFileAttributes.class);
      return file.get() + " " + now.fileKey() + " " + now.lastModifiedTime() + " " + now.size();
    } catch (IOException e) {
      return "";
    }
  }
}
