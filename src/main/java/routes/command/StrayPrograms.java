package routes.command;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends what runs on this host for jobs that are over, or that somebody else has by now: a program
 * that ended within a second may have left another behind, and a worker that was killed cannot end
 * its own when its jobs go on elsewhere.
 */
public final class StrayPrograms {
  private static final Logger LOG = LoggerFactory.getLogger(StrayPrograms.class);
  private static final Pattern MARK = Pattern.compile("Task_(\\d{1,16})#(\\d{1,18})");

  /** Whether a job is known, and no longer runs under a token. */
  @FunctionalInterface
  public interface Over {
    boolean isOver(long taskId, long token);
  }

  private final Path staging;
  private final Duration killGrace;
  private final Over over;

  /**
   * @param killGrace between TERM and KILL
   */
  public StrayPrograms(Path staging, Duration killGrace, Over over) {
    this.staging = staging;
    this.killGrace = killGrace;
    this.over = over;
  }

  /** One pass over all processes, and one question for each job that has some. */
  public void end() {
    Map<String, Boolean> asked = new HashMap<>();
    Predicate<String> stray = mark -> asked.computeIfAbsent(mark, this::isStray);
    List<ProcessHandle> strays = ProcessTree.marked(stray);
    if (strays.isEmpty()) {
      return;
    }
    LOG.warn(
        "The jobs of processes {} are over: they are ended",
        strays.stream().map(ProcessHandle::pid).toList());
    ProcessTree.end(
        () -> ProcessTree.marked(stray).stream().filter(ProcessTree::runs).toList(), killGrace);
  }

  private boolean isStray(String mark) {
    String prefix = staging + "/";
    if (!mark.startsWith(prefix)) {
      return false;
    }
    Matcher parts = MARK.matcher(mark.substring(prefix.length()));
    return parts.matches()
        && over.isOver(Long.parseLong(parts.group(1)), Long.parseLong(parts.group(2)));
  }
}
