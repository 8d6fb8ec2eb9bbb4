package routes.command;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongPredicate;
import java.util.function.Predicate;

/**
 * Finds and ends everything a job has started. The parent's list of children is not enough: who was
 * started by a process that has ended, or called setsid, is no longer in it. But everybody inherits
 * the environment, so each program gets a variable that names its sandbox, and {@code
 * /proc/<pid>/environ} shows it.
 */
public final class ProcessTree {
  /**
   * Holds {@code <sandbox>#<token>}: two installations on one host never have a sandbox in common.
   */
  public static final String MARK = "WAYBILL_SANDBOX";

  /** How often a process that was told to end is looked at. */
  private static final long LOOK_NANOS = 10_000_000;

  private static final Path PROC = Path.of("/proc");

  private ProcessTree() {}

  public static String mark(Path sandbox, long token) {
    return sandbox + "#" + token;
  }

  /** All living processes whose mark is of one of these sandboxes' making. */
  public static List<ProcessHandle> marked(Predicate<String> mark) {
    if (!Files.isDirectory(PROC)) {
      return List.of();
    }
    long self = ProcessHandle.current().pid();
    Map<Long, ProcessHandle> found = new LinkedHashMap<>();
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path process : processes) {
        long pid = Long.parseLong(process.getFileName().toString());
        if (pid != self && mark.test(markOf(process))) {
          ProcessHandle.of(pid).ifPresent(handle -> found.put(pid, handle));
        }
      }
    } catch (IOException e) {
      return List.copyOf(found.values());
    }
    return List.copyOf(found.values());
  }

  /**
   * What runs in a sandbox under some tokens: a worker that has lost a job must not end its
   * successor's programs.
   */
  public static List<ProcessHandle> in(Path sandbox, LongPredicate token) {
    String prefix = sandbox + "#";
    return marked(
        mark -> {
          if (!mark.startsWith(prefix)) {
            return false;
          }
          try {
            return token.test(Long.parseLong(mark.substring(prefix.length())));
          } catch (NumberFormatException notOurs) {
            return false;
          }
        });
  }

  /** Everything that runs in a sandbox, under whichever token. */
  public static List<ProcessHandle> in(Path sandbox) {
    String prefix = sandbox + "#";
    return marked(mark -> mark.startsWith(prefix));
  }

  /**
   * TERM, then KILL to whoever is still there, until nobody is: a process that is being ended may
   * still start another.
   *
   * @param alive asked again and again for who is to be ended
   * @param grace between TERM and KILL
   */
  public static void end(
      java.util.function.Supplier<? extends Collection<ProcessHandle>> alive, Duration grace) {
    Collection<ProcessHandle> first = alive.get();
    first.forEach(ProcessHandle::destroy);
    awaitEnd(first, grace);
    long giveUp = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    Collection<ProcessHandle> left = alive.get();
    while (!left.isEmpty() && System.nanoTime() < giveUp) {
      left.forEach(ProcessHandle::destroyForcibly);
      awaitEnd(left, Duration.ofSeconds(1));
      left = alive.get();
    }
  }

  /** Whether it still does anything: a zombie that nobody reaps does not. */
  public static boolean runs(ProcessHandle process) {
    if (!process.isAlive()) {
      return false;
    }
    try {
      String stat =
          Files.readString(PROC.resolve(process.pid() + "/stat"), StandardCharsets.ISO_8859_1);
      // The state follows the name, which is in parentheses and may hold anything.
      return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
    } catch (IOException goneOrNoProc) {
      return process.isAlive();
    }
  }

  private static void awaitEnd(Collection<ProcessHandle> processes, Duration longest) {
    long deadline = System.nanoTime() + longest.toNanos();
    while (processes.stream().anyMatch(ProcessTree::runs) && System.nanoTime() < deadline) {
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }

  private static String markOf(Path process) {
    try {
      return markIn(Files.readAllBytes(process.resolve("environ")));
    } catch (IOException endedOrNotOurs) {
      return "";
    }
  }

  /**
   * @param environment as the kernel shows it: {@code NAME=value}, each ended by a zero byte
   * @return the mark, or nothing
   */
  static String markIn(byte[] environment) {
    byte[] name = (MARK + "=").getBytes(StandardCharsets.US_ASCII);
    int start = 0;
    while (start < environment.length) {
      int end = start;
      while (end < environment.length && environment[end] != 0) {
        end++;
      }
      if (end - start > name.length
          && Arrays.equals(environment, start, start + name.length, name, 0, name.length)) {
        return StandardCharsets.UTF_8
            .decode(ByteBuffer.wrap(environment, start + name.length, end - start - name.length))
            .toString();
      }
      start = end + 1;
    }
    return "";
  }
}
