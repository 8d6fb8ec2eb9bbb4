package routes;

import java.io.ObjectInputFilter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.camel.RoutesBuilder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.command.CageCheck;
import routes.monitoring.LogFiles;
import routes.monitoring.Redactor;
import routes.operator.Cli;
import routes.settings.BadSettings;
import routes.settings.Fault;
import routes.settings.Settings;
import routes.settings.Sources;

/** The pipeline, and the way into it: {@code java -jar waybill.jar [command]}. */
public final class App {
  private static final Logger LOG = LoggerFactory.getLogger(App.class);

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

  /**
   * What JMX on this host sends (JConsole), and nothing else: no class of a library's can be made
   * to do something by reading it.
   */
  static final String READABLE =
      "maxdepth=20;maxrefs=10000;maxarray=100000;maxbytes=1048576;java.lang.*;java.util.*;java.math.*;java.rmi.**;"
          + "javax.management.**;sun.rmi.**;com.sun.jmx.**;javax.security.auth.Subject;!*";

  public static void main(String[] arguments) throws Exception {
    if (ObjectInputFilter.Config.getSerialFilter() == null) {
      ObjectInputFilter.Config.setSerialFilter(ObjectInputFilter.Config.createFilter(READABLE));
    }
    // Forking a JVM copies its page tables for every program; vfork does not. Read by the JDK at
    // the first start of one.
    System.setProperty("jdk.lang.Process.launchMechanism", "VFORK");
    System.exit(run(arguments, System.getenv(), System.out, System.err));
  }

  private static void warn(Settings settings) {
    Stream.concat(settings.warnings().stream(), Sources.warnings(System.getProperties()).stream())
        .forEach(LOG::warn);
    // What ends a thread goes the way of everything else, and is not printed as it is.
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, failure) -> LOG.error("Thread {} has ended", thread.getName(), failure));
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
          LogFiles.open(settings.logs(), Redactor.of(settings, own));
          warn(settings);
          return new WorkerProcess(settings, own, Clock.systemUTC()).runUntilStopped();
        },
        new PrintWriter(out, true, StandardCharsets.UTF_8),
        new PrintWriter(err, true, StandardCharsets.UTF_8));
  }
}
