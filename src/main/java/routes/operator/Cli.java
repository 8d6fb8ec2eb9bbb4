package routes.operator;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import redis.clients.jedis.exceptions.JedisException;
import routes.Parts;
import routes.ledger.LedgerAway;
import routes.ledger.Schema;
import routes.ledger.Steering;
import routes.monitoring.Check;
import routes.monitoring.LogFiles;
import routes.monitoring.Redactor;
import routes.monitoring.Visible;
import routes.settings.BadSettings;
import routes.settings.Settings;
import routes.settings.Sources;

/**
 * The command line: {@code java -jar waybill.jar [command]}. Without a command it is a worker.
 *
 * <p>Exit codes: 0 done; 1 not possible, not found, or a store cannot be reached; 2 wrong usage or
 * settings.
 */
@Command(
    name = "waybill",
    description = "Delivers what people have paid for. Without a command: runs a worker.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "[COMMAND]",
    subcommands = {
      Cli.Run.class,
      Cli.CheckAll.class,
      Reading.Status.class,
      Reading.Jobs.class,
      Reading.Dead.class,
      Reading.Show.class,
      Reading.Logs.class,
      Acting.Retry.class,
      Acting.Cancel.class,
      Acting.Push.class,
      Acting.Pause.class,
      Acting.Resume.class,
      Acting.Recover.class,
      Grants.class,
      AutoComplete.GenerateCompletion.class
    })
public final class Cli implements Callable<Integer> {
  static final int DONE = 0;
  static final int NOT_POSSIBLE = 1;

  /** Exit code for settings that cannot be worked with. */
  static final int BAD_USAGE = 2;

  /** Runs the worker until it is stopped; gives its exit code. */
  public interface Worker {
    int run(Settings settings, Map<String, String> environment) throws Exception;
  }

  private final Map<String, String> environment;
  private final Worker worker;

  /** Of the settings, once they are read. */
  private Redactor redactor = new Redactor(Stream.empty());

  private Cli(Map<String, String> environment, Worker worker) {
    this.environment = environment;
    this.worker = worker;
  }

  /**
   * @return the exit code
   */
  public static int run(
      String[] arguments,
      Map<String, String> environment,
      Worker worker,
      PrintWriter out,
      PrintWriter err) {
    Cli cli = new Cli(environment, worker);
    CommandLine line = new CommandLine(cli);
    line.setOut(out);
    line.setErr(err);
    line.setParameterExceptionHandler(
        (wrong, words) -> {
          PrintWriter to = wrong.getCommandLine().getErr();
          to.println("waybill: " + Visible.line(wrong.getMessage()));
          if (!(wrong instanceof WrongUsage)) {
            wrong.getCommandLine().usage(to);
          }
          return BAD_USAGE;
        });
    line.setExecutionExceptionHandler(
        (failure, command, parsed) -> cli.explain(failure, command.getErr()));
    int code = line.execute(arguments);
    out.flush();
    err.flush();
    return code;
  }

  private int explain(Exception failure, PrintWriter err) {
    if (failure instanceof BadSettings bad) {
      bad.faults().forEach(fault -> err.println("waybill: " + Visible.line(fault.toString())));
      return BAD_USAGE;
    }
    if (failure instanceof Steering.NotPossible) {
      err.println("waybill: " + failure.getMessage());
      return NOT_POSSIBLE;
    }
    if (failure instanceof LedgerAway || failure instanceof org.flywaydb.core.api.FlywayException) {
      err.println("waybill: the database could not be reached");
      return NOT_POSSIBLE;
    }
    if (failure instanceof JedisException) {
      err.println("waybill: Redis could not be reached");
      return NOT_POSSIBLE;
    }
    StringWriter trace = new StringWriter();
    failure.printStackTrace(new PrintWriter(trace));
    err.print(Visible.trace(redactor.clean(trace.toString())));
    return NOT_POSSIBLE;
  }

  @Override
  public Integer call() throws Exception {
    return worker.run(settings(), environment);
  }

  Settings settings() throws BadSettings {
    Settings settings =
        Settings.from(Sources.read(environment, System.getProperties(), Path.of("")));
    redactor = Redactor.of(settings, environment);
    return settings;
  }

  /** Its message says all; how the command is used would only hide it. */
  private static final class WrongUsage extends ParameterException {
    WrongUsage(CommandLine command, String message) {
      super(command, message);
    }
  }

  /** What every command has. */
  abstract static class Base implements Callable<Integer> {
    @Spec CommandSpec spec;

    Cli cli() {
      return spec.root().commandLine().getCommand();
    }

    PrintWriter out() {
      return spec.commandLine().getOut();
    }

    void printJson(Object value) {
      try {
        out().println(Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value));
      } catch (JsonProcessingException e) {
        throw new IllegalStateException(e);
      }
    }

    ParameterException wrongUsage(String message) {
      return new WrongUsage(spec.commandLine(), message);
    }
  }

  /** A command that looks at the stores, and is quiet but for what it prints. */
  abstract static class AtTheStores extends Base {
    @Option(names = "--json", description = "For scripts: JSON instead of a table.")
    boolean json;

    @Override
    public final Integer call() throws BadSettings {
      Settings settings = cli().settings();
      try (LogFiles.Silence silence = LogFiles.silence();
          LogFiles.Silence told = changes() ? LogFiles.tellLifecycle(settings.logs()) : () -> {};
          Parts parts = new Parts(settings, cli().environment, Clock.systemUTC())) {
        Schema.migrate(parts.database());
        int code = with(parts);
        if (changes()) {
          parts.history().flush();
          parts.news().publish();
        }
        return code;
      }
    }

    /** Whether it does anything that has to be told. */
    boolean changes() {
      return false;
    }

    abstract int with(Parts parts);

    /** Who does it: a name of this machine. */
    static String by() {
      String host;
      try {
        host = InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException e) {
        host = "localhost";
      }
      return System.getProperty("user.name") + "@" + host;
    }
  }

  @Command(name = "run", description = "Runs a worker, as no command at all does.")
  static final class Run extends Base {
    @Override
    public Integer call() throws Exception {
      return cli().call();
    }
  }

  @Command(
      name = "check",
      description = "Tests settings, Redis, database, remote, downloader and disk, a line each.")
  static final class CheckAll extends Base {
    @Override
    public Integer call() throws BadSettings {
      Settings settings = cli().settings();
      try (LogFiles.Silence silence = LogFiles.silence()) {
        return new Check(settings, cli().environment).run(out()) ? DONE : NOT_POSSIBLE;
      }
    }
  }
}
