package routes.command;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.camel.component.exec.ExecCommand;
import org.apache.camel.component.exec.ExecCommandExecutor;
import org.apache.camel.component.exec.ExecResult;
import org.apache.camel.support.service.ServiceSupport;
import routes.job.Disk;
import routes.job.Flight;
import routes.job.Permanent;
import routes.monitoring.Redactor;
import routes.settings.Flow;
import routes.settings.Settings;

/**
 * Runs a job's program for an {@code exec:} endpoint: without a shell, with the environment it is
 * given and no more, its output drained as it comes, and the whole process tree ended when it takes
 * too long or the job is to stop.
 *
 * <p>Camel's own executor keeps the output in memory, ends only the direct child, and at a stop of
 * the JVM kills children before the routes can let them finish.
 */
public final class ProgramRunner extends ServiceSupport implements ExecCommandExecutor {
  private static final Path NOTHING = Path.of("/dev/null");

  /** How often a running program is looked at: what a stop or a limit may come late by. */
  private static final Duration LOOK = Duration.ofMillis(100);

  /** How often a sandbox is measured while a program runs in it. */
  private static final Duration MEASURE = Duration.ofSeconds(2);

  /**
   * After a program's end its output is there at once, unless somebody it left behind holds the
   * pipe.
   */
  private static final Duration DRAIN = Duration.ofMillis(100);

  /** When they have been ended too, only a busy machine keeps it from being read. */
  private static final Duration LONGEST_DRAIN = Duration.ofSeconds(5);

  /**
   * Looking through all processes takes longer than a program that ends at once; such a one leaves
   * nobody unseen.
   */
  private static final Duration LONG_RUN = Duration.ofSeconds(1);

  private final Settings.Logs logs;
  private final Redactor redactor;
  private final Duration killGrace;
  private final long maxSandbox;
  private final int maxFiles;
  private final Clock clock;
  private final Places places;
  private final AtomicInteger running = new AtomicInteger();
  private final ExecutorService pumps =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "program-output");
            thread.setDaemon(true);
            return thread;
          });

  /**
   * @param redactor for what the programs print
   * @param killGrace between TERM and KILL
   * @param maxSandbox bytes that one sandbox may hold
   * @param maxFiles files and directories that one sandbox may hold
   * @param limits as of now
   */
  public ProgramRunner(
      Settings.Logs logs,
      Redactor redactor,
      Duration killGrace,
      long maxSandbox,
      int maxFiles,
      Supplier<Flow.Limits> limits,
      Clock clock) {
    this.places = new Places(limits);
    this.maxSandbox = maxSandbox;
    this.maxFiles = maxFiles;
    this.logs = logs;
    this.redactor = redactor;
    this.killGrace = killGrace;
    this.clock = clock;
  }

  /** How many programs run now. */
  public int running() {
    return running.get();
  }

  /**
   * @throws IOException if the program cannot be started; as its cause, {@link TookTooLong} if it
   *     was ended for that
   */
  @Override
  public ExecResult execute(ExecCommand execCommand) throws IOException {
    Command command = (Command) execCommand;
    Flight flight = command.flight();
    enter(command.kind(), flight);
    try {
      return runProgram(command, flight);
    } finally {
      places.leave(command.kind());
    }
  }

  /** Waits for a place among those that may run at once. */
  private void enter(Command.Kind kind, Flight flight) throws IOException {
    try {
      flight.checkStop();
      while (!places.tryEnter(kind, LOOK)) {
        flight.checkStop();
      }
    } catch (InterruptedException e) {
      flight.checkStop();
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted before a program could run", e);
    }
  }

  private ExecResult runProgram(Command command, Flight flight) throws IOException {
    try (TaskLog log = TaskLog.open(logs, flight.taskId())) {
      Process process = start(command);
      running.incrementAndGet();
      try {
        // A worker that was frozen just before has started a program that is not its own to start.
        flight.checkStop();
        return watch(command, process, log);
      } finally {
        running.decrementAndGet();
        process.destroyForcibly();
        closeQuietly(process.getInputStream());
        closeQuietly(process.getErrorStream());
      }
    }
  }

  /**
   * Ends whatever an earlier try, or an earlier worker on this host, has left running in a job's
   * sandbox.
   */
  public void endLeftBehind(Flight flight) {
    ProcessTree.end(
        () -> ProcessTree.in(flight.sandbox(), token -> token <= flight.token()), killGrace);
  }

  public void header(Flight flight, String text) {
    try (TaskLog log = TaskLog.open(logs, flight.taskId())) {
      log.header(clock.instant().truncatedTo(ChronoUnit.MILLIS) + " " + text);
    }
  }

  private Process start(Command command) throws IOException {
    List<String> line = new ArrayList<>(command.cage());
    line.add(command.getExecutable());
    line.addAll(command.getArgs());
    ProcessBuilder builder = new ProcessBuilder(line);
    builder.directory(Path.of(command.getWorkingDir()).toFile());
    builder.environment().clear();
    builder.environment().putAll(command.environment());
    Flight flight = command.flight();
    builder.environment().put("TASK_ID", String.valueOf(flight.taskId()));
    builder.environment().put(ProcessTree.MARK, ProcessTree.mark(flight.sandbox(), flight.token()));
    builder.redirectInput(NOTHING.toFile());
    builder.redirectErrorStream(!command.keepOutput());
    flight.checkStop();
    return builder.start();
  }

  private ExecResult watch(Command command, Process process, TaskLog log) throws IOException {
    Flight flight = command.flight();
    long started = System.nanoTime();
    long measured = started;
    OutputPump output =
        new OutputPump(
            process.getInputStream(), log, redactor, command.progress(), command.keepOutput());
    List<Future<?>> draining = new ArrayList<>();
    draining.add(pumps.submit(output));
    if (command.keepOutput()) {
      draining.add(
          pumps.submit(new OutputPump(process.getErrorStream(), log, redactor, null, false)));
    }
    try {
      while (!process.waitFor(LOOK.toMillis(), TimeUnit.MILLISECONDS)) {
        long now = System.nanoTime();
        String name = Path.of(command.getExecutable()).getFileName().toString();
        if (now - started > command.total().toNanos()) {
          throw new IOException(
              new TookTooLong(
                  name + " was ended: it ran for longer than " + seconds(command.total())));
        }
        if (now - output.lastOutputNanos() > command.idle().toNanos()) {
          throw new IOException(
              new TookTooLong(
                  name + " was ended: it printed nothing for " + seconds(command.idle())));
        }
        flight.checkStop();
        if (now - measured > MEASURE.toNanos()) {
          measured = now;
          checkSize(command);
        }
      }
      if (process.exitValue() != 0) {
        // What has ended well is looked at as a whole.
        checkSize(command);
      }
      boolean drained = await(draining, DRAIN);
      boolean ran = System.nanoTime() - started > LONG_RUN.toNanos();
      if (!drained || ran) {
        ProcessTree.end(() -> own(flight), killGrace);
        drained = await(draining, LONGEST_DRAIN);
      }
      if (!drained && command.keepOutput() && !draining.get(0).isDone()) {
        throw new IOException("What the program printed could not be read to its end");
      }
      return new ExecResult(
          command,
          new ByteArrayInputStream(output.kept()),
          InputStream.nullInputStream(),
          process.exitValue());
    } catch (InterruptedException e) {
      endTree(process, flight);
      flight.checkStop();
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while a program ran", e);
    } catch (IOException | RuntimeException e) {
      endTree(process, flight);
      throw e;
    }
  }

  /** Only a download fills its sandbox; what an upload leaves of it has been measured. */
  private void checkSize(Command command) throws IOException {
    Flight flight = command.flight();
    if (command.kind() == Command.Kind.DOWNLOAD && Files.isDirectory(flight.sandbox())) {
      try {
        Disk.measure(flight.sandbox(), maxSandbox, maxFiles);
      } catch (Permanent outgrown) {
        throw new IOException(outgrown);
      }
    }
  }

  private static List<ProcessHandle> own(Flight flight) {
    return ProcessTree.in(flight.sandbox(), token -> token == flight.token());
  }

  private void endTree(Process process, Flight flight) {
    ProcessTree.end(() -> tree(process, flight), killGrace);
  }

  private static Collection<ProcessHandle> tree(Process process, Flight flight) {
    Map<Long, ProcessHandle> tree = new LinkedHashMap<>();
    if (process.isAlive()) {
      tree.put(process.pid(), process.toHandle());
    }
    process.descendants().forEach(child -> tree.put(child.pid(), child));
    own(flight).forEach(child -> tree.put(child.pid(), child));
    tree.values().removeIf(handle -> !ProcessTree.runs(handle));
    return tree.values();
  }

  private static boolean await(List<Future<?>> draining, Duration longest)
      throws InterruptedException, IOException {
    for (Future<?> pump : draining) {
      try {
        pump.get(longest.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException somebodyHoldsThePipe) {
        return false;
      } catch (java.util.concurrent.ExecutionException e) {
        throw new IOException("A program's output could not be read", e.getCause());
      }
    }
    return true;
  }

  private static String seconds(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + " s"
        : duration.toMillis() + " ms";
  }

  private static void closeQuietly(InputStream stream) {
    try {
      stream.close();
    } catch (IOException e) {
      // the program is gone, and so is its output
    }
  }

  @Override
  protected void doStop() {
    pumps.shutdown();
  }
}
