package routes;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.camel.RoutesBuilder;
import routes.monitoring.LogFiles;
import routes.operator.Cli;

/** The pipeline, and the way into it: {@code java -jar waybill.jar [command]}. */
public final class App {
  private App() {}

  /** All routes, in the order a job meets them. */
  static List<RoutesBuilder> pipeline(Parts parts) {
    List<RoutesBuilder> all = new ArrayList<>();
    all.add(new ErrorHandling(parts));
    all.add(new IntakeRoute(parts));
    if (parts.settings().bullmq().enabled()) {
      all.add(new BullmqRoute(parts));
    }
    all.addAll(stages(parts));
    return all;
  }

  private static List<RoutesBuilder> stages(Parts parts) {
    return List.of(
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
          LogFiles.open(settings.logs());
          return new WorkerProcess(settings, own, Clock.systemUTC()).runUntilStopped();
        },
        new PrintWriter(out, true, StandardCharsets.UTF_8),
        new PrintWriter(err, true, StandardCharsets.UTF_8));
  }
}
