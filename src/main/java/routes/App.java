package routes;

import com.zaxxer.hikari.HikariDataSource;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.apache.camel.RoutesBuilder;
import routes.ledger.Holds;
import routes.ledger.Schema;
import routes.monitoring.LogFiles;
import routes.queue.RedisKeys;
import routes.settings.BadSettings;
import routes.settings.Settings;
import routes.settings.Sources;

/**
 * The pipeline, and the way into it: {@code java -jar waybill.jar [check | pause Q | resume Q]}.
 */
public final class App {
  /** Exit code for settings that cannot be worked with. */
  static final int BAD_SETTINGS = 2;

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
        new HousekeepingRoute(parts));
  }

  public static void main(String[] arguments) throws Exception {
    // Forking a JVM copies its page tables for every program; vfork does not. Read by the JDK at
    // the first start of one.
    System.setProperty("jdk.lang.Process.launchMechanism", "VFORK");
    System.exit(run(arguments, System.getenv(), System.out, System.err));
  }

  static int run(
      String[] arguments, Map<String, String> environment, PrintStream out, PrintStream err)
      throws Exception {
    String command = arguments.length == 0 ? "run" : arguments[0];
    boolean aboutQueue = List.of("pause", "resume").contains(command);
    if (arguments.length > (aboutQueue ? 2 : 1)
        || !aboutQueue && !List.of("run", "check").contains(command)) {
      err.println("usage: java -jar waybill.jar [check | pause <queue> | resume <queue>]");
      return BAD_SETTINGS;
    }
    Settings settings;
    try {
      settings = Settings.from(Sources.read(environment, System.getProperties(), Path.of("")));
    } catch (BadSettings e) {
      e.faults().forEach(fault -> err.println("waybill: " + fault));
      return BAD_SETTINGS;
    }
    if (command.equals("check")) {
      LogFiles.silence();
      return new routes.monitoring.Check(settings, environment).run(out) ? 0 : 1;
    }
    if (aboutQueue) {
      return steer(settings, command, arguments.length > 1 ? arguments[1] : "", out, err);
    }
    LogFiles.open(settings.logs());
    return new WorkerProcess(settings, environment, Clock.systemUTC()).runUntilStopped();
  }

  /** For all processes at once; they hear of it within two seconds, and no claim passes it. */
  private static int steer(
      Settings settings, String command, String queue, PrintStream out, PrintStream err) {
    List<String> inboxes = RedisKeys.inboxes(settings.queue());
    if (!inboxes.contains(queue)) {
      err.println(
          "waybill: " + command + ": expected one of " + inboxes + ", found '" + queue + "'");
      return BAD_SETTINGS;
    }
    LogFiles.silence();
    try (HikariDataSource database = Schema.pool(settings)) {
      Schema.migrate(database);
      Holds holds = new Holds(database);
      if (command.equals("pause")) {
        holds.pause(queue);
      } else {
        holds.resume(queue);
      }
      out.println(queue + ": " + command + "d");
      return 0;
    } catch (RuntimeException e) {
      err.println("waybill: " + command + ": the database could not be reached");
      return 1;
    }
  }
}
