package routes.command;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.camel.LoggingLevel;
import org.apache.camel.component.exec.ExecCommand;
import routes.job.Flight;

/**
 * One program to be run for one job. Camel's command carries the program and its arguments; this
 * adds what {@link ProgramRunner} needs.
 */
public final class Command extends ExecCommand {
  /** What the program does, for the limits on how many run at once. */
  public enum Kind {
    DOWNLOAD,
    UPLOAD,
    /** Asks the remote something; not limited. */
    QUESTION
  }

  private final Kind kind;
  private final transient Flight flight;
  private final transient List<String> cage;
  private final transient Map<String, String> environment;
  private final transient Duration total;
  private final transient Duration idle;
  private final transient Progress progress;
  private final boolean keepOutput;

  /**
   * @param flight whose sandbox is the working directory and whose log takes the output
   * @param cage what stands before the program and starts it; empty for nothing
   * @param total longest run
   * @param idle longest silence
   * @param progress looks at the output as it comes; null for none
   * @param keepOutput whether standard output is wanted by the route, and goes there instead of the
   *     log
   */
  public Command(
      Kind kind,
      Flight flight,
      List<String> cage,
      String program,
      List<String> arguments,
      Map<String, String> environment,
      Path directory,
      Duration total,
      Duration idle,
      Progress progress,
      boolean keepOutput) {
    super(
        program,
        arguments,
        directory.toString(),
        total.toMillis(),
        null,
        null,
        null,
        false,
        LoggingLevel.TRACE);
    this.kind = kind;
    this.flight = flight;
    this.cage = cage;
    this.environment = environment;
    this.total = total;
    this.idle = idle;
    this.progress = progress;
    this.keepOutput = keepOutput;
  }

  public Kind kind() {
    return kind;
  }

  public Flight flight() {
    return flight;
  }

  public List<String> cage() {
    return cage;
  }

  public Map<String, String> environment() {
    return environment;
  }

  public Duration total() {
    return total;
  }

  public Duration idle() {
    return idle;
  }

  public Progress progress() {
    return progress;
  }

  public boolean keepOutput() {
    return keepOutput;
  }

  /** For Camel's log lines: arguments stay out of them, since they hold job data. */
  @Override
  public String toString() {
    return getExecutable();
  }
}
