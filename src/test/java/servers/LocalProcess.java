package servers;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A program that never outlives this JVM, whatever kills it: a small shell watches the pipe from us
 * and ends the program when the pipe closes, which the kernel does for a JVM that was killed with
 * -9 too.
 */
public final class LocalProcess implements AutoCloseable {
  private static final String WATCH =
      "trap : HUP INT TERM; sig=$1; pidfile=$2; shift 2; \"$@\" </dev/null & child=$!; echo $child > \"$pidfile\";"
          + " cat >/dev/null; kill -$sig $child 2>/dev/null; kill -CONT $child 2>/dev/null; wait $child";

  private final Process shell;
  private final OutputStream leash;
  private final long pid;

  private LocalProcess(Process shell, long pid) {
    this.shell = shell;
    this.leash = shell.getOutputStream();
    this.pid = pid;
  }

  /**
   * @param signal sent when the program is to end: KILL where its data is thrown away, TERM where
   *     its stop matters
   * @param directory its working directory, which also takes its output in {@code <name>.log}
   */
  public static LocalProcess start(
      String name,
      String signal,
      Path directory,
      Map<String, String> environment,
      List<String> command)
      throws IOException {
    Files.createDirectories(directory);
    Path pidFile = directory.resolve(name + ".pid");
    Files.deleteIfExists(pidFile);
    List<String> line =
        new ArrayList<>(List.of("/bin/sh", "-c", WATCH, "sh", signal, pidFile.toString()));
    line.addAll(command);
    ProcessBuilder builder = new ProcessBuilder(line);
    builder.directory(directory.toFile());
    builder.environment().putAll(environment);
    builder.redirectErrorStream(true);
    builder.redirectOutput(
        ProcessBuilder.Redirect.appendTo(directory.resolve(name + ".log").toFile()));
    Process shell = builder.start();
    long deadline = System.nanoTime() + Shop.PATIENCE.toNanos();
    while (System.nanoTime() < deadline) {
      if (Files.exists(pidFile)) {
        String text = Files.readString(pidFile).strip();
        if (!text.isEmpty()) {
          return new LocalProcess(shell, Long.parseLong(text));
        }
      }
      pause();
    }
    shell.destroyForcibly();
    throw new IOException(name + " did not start");
  }

  /** Between two looks at what is starting: who waits must not take the processor from it. */
  static void pause() {
    LockSupport.parkNanos(5_000_000);
  }

  public long pid() {
    return pid;
  }

  public boolean isAlive() {
    return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false) && shell.isAlive();
  }

  /** TERM, KILL, STOP, CONT to this process alone. */
  public void signal(String signal) throws IOException {
    try {
      new ProcessBuilder("/bin/sh", "-c", "kill -" + signal + " " + pid)
          .redirectErrorStream(true)
          .start()
          .waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * @return its exit code
   */
  public int awaitEnd(Duration longest) throws IOException {
    try {
      leash.close();
    } catch (IOException alreadyClosed) {
      // the shell has gone with its program
    }
    try {
      if (!shell.waitFor(longest.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new IOException("still running: " + pid);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return shell.exitValue();
  }

  /** Like {@link #awaitEnd}, for a program that was told to end in another way. */
  public int awaitExit(Duration longest) throws IOException {
    long deadline = System.nanoTime() + longest.toNanos();
    ProcessHandle.of(pid)
        .ifPresent(
            handle -> {
              try {
                handle.onExit().get(longest.toMillis(), TimeUnit.MILLISECONDS);
              } catch (Exception e) {
                throw new IllegalStateException("still running: " + pid, e);
              }
            });
    return awaitEnd(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
  }

  @Override
  public void close() {
    try {
      awaitEnd(Duration.ofSeconds(60));
    } catch (IOException | IllegalStateException e) {
      ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
      shell.destroyForcibly();
    }
  }
}
