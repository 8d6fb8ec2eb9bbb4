package routes.command;

import static routes.ExchangeProperties.flight;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.component.exec.ExecBinding;
import org.apache.camel.component.exec.ExecCommand;
import org.apache.camel.component.exec.ExecEndpoint;
import org.apache.camel.component.exec.ExecResult;
import routes.job.Flight;
import routes.job.Manifest;
import routes.job.Permanent;
import routes.job.UploadFailed;
import routes.monitoring.Events;
import routes.settings.Settings;

/**
 * rclone's command lines, and what its ends mean. Remote and destination come from the settings
 * alone.
 */
public abstract class RcloneBinding implements ExecBinding {
  private static final String PROGRESS = "waybill.rclone-progress";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Settings.Upload settings;
  private final Map<String, String> environment;

  private RcloneBinding(Settings.Upload settings, Map<String, String> ownEnvironment) {
    this.settings = settings;
    this.environment = Environment.forRclone(ownEnvironment);
  }

  /**
   * Moves the folder, and tells how far it is.
   *
   * @param quotaPause how long nobody uploads after the remote has spoken of a quota
   */
  public static RcloneBinding move(
      Settings.Upload settings,
      Duration quotaPause,
      Map<String, String> ownEnvironment,
      Events events) {
    return new RcloneBinding(settings, ownEnvironment) {
      @Override
      public ExecCommand readInput(Exchange exchange, ExecEndpoint endpoint) {
        Flight flight = flight(exchange);
        RcloneProgress progress =
            new RcloneProgress((percent, file) -> events.progress(flight, percent, file));
        exchange.setProperty(PROGRESS, progress);
        return command(
            Command.Kind.UPLOAD,
            flight,
            progress,
            false,
            "move",
            "--use-json-log",
            "--stats=1s",
            "--stats-log-level=NOTICE",
            "--",
            flight.sandbox().resolve(flight.folder()).toString(),
            settings.target(flight.folder()));
      }

      @Override
      public void writeOutput(Exchange exchange, ExecResult result) {
        RcloneProgress progress = exchange.getProperty(PROGRESS, RcloneProgress.class);
        if (result.getExitValue() != 0 && progress.quotaUsedUp()) {
          exchange.setException(
              new UploadFailed(
                  "rclone move ended with exit code "
                      + result.getExitValue()
                      + ": the remote says that a quota is used up",
                  new ExitCode(result.getExitValue()),
                  quotaPause));
          return;
        }
        failUnlessDone(exchange, "rclone move", result.getExitValue());
      }
    };
  }

  /**
   * Lists what is at the remote under the folder's name; gives it to the route as a map by path.
   */
  public static RcloneBinding list(Settings.Upload settings, Map<String, String> ownEnvironment) {
    return new RcloneBinding(settings, ownEnvironment) {
      @Override
      public ExecCommand readInput(Exchange exchange, ExecEndpoint endpoint) {
        Flight flight = flight(exchange);
        List<String> arguments =
            new ArrayList<>(
                List.of("lsjson", "--recursive", "--files-only", "--no-modtime", "--no-mimetype"));
        if (flight.manifest().hash() != null) {
          arguments.add("--hash");
        }
        arguments.add("--");
        arguments.add(settings.target(flight.folder()));
        return command(Command.Kind.QUESTION, flight, null, true, arguments.toArray(String[]::new));
      }

      @Override
      public void writeOutput(Exchange exchange, ExecResult result) {
        Map<String, Manifest.Entry> there = Map.of();
        if (result.getExitValue() == Rclone.DIRECTORY_NOT_FOUND) {
          exchange.getIn().setBody(there);
          return;
        }
        failUnlessDone(exchange, "rclone lsjson", result.getExitValue());
        if (exchange.getException() == null) {
          try {
            there = listing(JSON.readTree(result.getStdout()), flight(exchange).manifest().hash());
            exchange.getIn().setBody(there);
          } catch (IOException e) {
            exchange.setException(new UploadFailed("rclone's listing of the remote is unreadable"));
          }
        }
      }
    };
  }

  /** Asks which hashes the remote knows; gives their names to the route as a list. */
  public static RcloneBinding features(
      Settings.Upload settings, Map<String, String> ownEnvironment) {
    return new RcloneBinding(settings, ownEnvironment) {
      @Override
      public ExecCommand readInput(Exchange exchange, ExecEndpoint endpoint) {
        return command(
            Command.Kind.QUESTION,
            flight(exchange),
            null,
            true,
            "backend",
            "features",
            settings.remote() + ":");
      }

      @Override
      public void writeOutput(Exchange exchange, ExecResult result) {
        failUnlessDone(exchange, "rclone backend features", result.getExitValue());
        if (exchange.getException() == null) {
          List<String> hashes = new ArrayList<>();
          try {
            JSON.readTree(result.getStdout())
                .path("Hashes")
                .forEach(hash -> hashes.add(hash.asText()));
            exchange.getIn().setBody(hashes);
          } catch (IOException e) {
            exchange.setException(new UploadFailed("rclone's list of features is unreadable"));
          }
        }
      }
    };
  }

  Command command(
      Command.Kind kind,
      Flight flight,
      Progress progress,
      boolean keepOutput,
      String... arguments) {
    List<String> line = new ArrayList<>();
    settings.config().ifPresent(file -> line.addAll(List.of("--config", file.toString())));
    line.addAll(List.of(arguments));
    return new Command(
        kind,
        flight,
        List.of(),
        settings.program(),
        line,
        environment,
        // Not the sandbox's inside: it may be gone already when only the remote is left to be
        // looked at.
        flight.sandbox().getParent(),
        settings.timeout(),
        settings.idleTimeout(),
        progress,
        keepOutput);
  }

  private static void failUnlessDone(Exchange exchange, String what, int exitCode) {
    if (exitCode == 0 || exitCode == Rclone.NO_FILES_TRANSFERRED) {
      return;
    }
    String reason =
        what + " ended with exit code " + exitCode + " (" + Rclone.meaning(exitCode) + ")";
    ExitCode cause = new ExitCode(exitCode);
    exchange.setException(
        Rclone.isPermanent(exitCode)
            ? new Permanent(reason, cause)
            : new UploadFailed(reason, cause, null));
  }

  static Map<String, Manifest.Entry> listing(JsonNode entries, String hash) {
    Map<String, Manifest.Entry> there = new HashMap<>();
    for (JsonNode entry : entries) {
      String path = entry.path("Path").asText();
      there.put(
          path,
          new Manifest.Entry(
              path,
              entry.path("Size").asLong(),
              hash == null ? null : entry.path("Hashes").path(hash).asText(null)));
    }
    return there;
  }
}
