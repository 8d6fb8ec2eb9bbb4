package routes.ledger;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.job.Sandbox;

/**
 * Removes sandboxes that nobody owns any more; one is kept for a while after a failure, for another
 * start.
 */
public final class Sandboxes {
  private static final Logger LOG = LoggerFactory.getLogger(Sandboxes.class);
  private static final Pattern NAME = Pattern.compile("Task_(\\d{1,16})");

  private final Path staging;
  private final Duration keep;
  private final Ledger ledger;
  private final Clock clock;

  /**
   * @param keep how long after the end of a job that failed
   */
  public Sandboxes(Path staging, Duration keep, Ledger ledger, Clock clock) {
    this.staging = staging;
    this.keep = keep;
    this.ledger = ledger;
    this.clock = clock;
  }

  public void sweep() throws IOException {
    if (!Files.isDirectory(staging)) {
      return;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(staging, "Task_*")) {
      for (Path entry : entries) {
        Matcher name = NAME.matcher(entry.getFileName().toString());
        if (name.matches()
            && Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)
            && isForgotten(entry, Long.parseLong(name.group(1)))) {
          LOG.info("{} belongs to no job any more and is removed", entry);
          new Sandbox(entry).delete();
        }
      }
    }
  }

  private boolean isForgotten(Path sandbox, long taskId) throws IOException {
    Optional<Ledger.Age> job = ledger.age(taskId);
    if (job.isEmpty()) {
      // Another installation's, perhaps: only its own age speaks against it.
      return Files.getLastModifiedTime(sandbox, LinkOption.NOFOLLOW_LINKS)
          .toInstant()
          .isBefore(clock.instant().minus(keep));
    }
    return switch (job.get().state()) {
      case "done" -> true;
      case "dead", "cancelled" -> job.get().endedSeconds() > keep.toSeconds();
      default -> false;
    };
  }
}
