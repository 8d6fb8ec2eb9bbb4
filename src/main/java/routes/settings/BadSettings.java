package routes.settings;

import java.util.List;
import java.util.stream.Collectors;

/** The settings cannot be worked with. The process ends with exit code 2 and one line per fault. */
public class BadSettings extends Exception {
  private final transient List<Fault> faults;

  public BadSettings(List<Fault> faults) {
    super(faults.stream().map(Fault::toString).collect(Collectors.joining("\n")));
    this.faults = List.copyOf(faults);
  }

  public List<Fault> faults() {
    return faults;
  }
}
