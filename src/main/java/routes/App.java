package routes;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.apache.camel.RoutesBuilder;
import routes.command.CageCheck;
import routes.monitoring.LogFiles;
import routes.operator.Cli;
import routes.settings.BadSettings;
import routes.settings.Fault;

/** The pipeline, and the way into it: {@code java -jar waybill.jar [command]}. */
public final class App {
  private App() {}

  /** All routes, in the order a job meets them. */
  static List<RoutesBuilder> pipeline(Parts parts) {
    return List.of(
        new ErrorHandling(parts),
        new IntakeRoute(parts),
        new EnrolmentRoute(parts),
        new ClaimRoute(parts),
        new ReuseRoute(parts),
        new DownloadRoute(parts),
        new UploadRoute(parts),
        new WebhookRoute(parts),
        new CleanUpRoute(parts),
        new BurialRoute(parts),
        new HousekeepingRoute(parts),
        new WatchRoute(parts),
        new SettingsRoute(parts));
  }

  public static void main(String[] arguments) throws Exception {
    // Forking a JVM copies its page tables for every program; vfork does not. Read by the JDK at
    // the first start of one.
    System.setProperty("jdk.lang.Process.launchMechanism", "VFORK");
    System.exit(run(arguments, System.getenv(), System.out, System.err));
  }

  static int run(
      String[] arguments, Map<String, String> environment, PrintStream out, PrintStream err) {
    return Cli.run(
        arguments,
        environment,
        (settings, own) -> {
          List<Fault> faults = CageCheck.faults(settings, own);
          if (!faults.isEmpty()) {
            throw new BadSettings(faults);
          }
          LogFiles.open(settings.logs());
          return new WorkerProcess(settings, own, Clock.systemUTC()).runUntilStopped();
        },
        new PrintWriter(out, true, StandardCharsets.UTF_8),
        new PrintWriter(err, true, StandardCharsets.UTF_8));
  }
}
