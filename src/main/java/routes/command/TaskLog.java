package routes.command;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.monitoring.OwnerOnly;
import routes.settings.Settings;

/**
 * {@code LOG_DIR/tasks/task-<taskId>.log}: what the programs print, as they print it, and a header
 * line per try. A log that cannot be written loses lines, never a job; one that is full keeps its
 * first half and the last of what came.
 */
public final class TaskLog implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(TaskLog.class);

  /** For whoever follows a log when its middle has been left out. */
  public static final String SHORTENED = "--- the log was shortened ---";

  private static final Set<StandardOpenOption> APPEND =
      Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);

  private static final int TAIL_BYTES = 64 << 10;

  private final Path file;
  private final long most;
  private FileChannel channel;
  private boolean closed;

  private TaskLog(Path file, long most) {
    this.file = file;
    this.most = most;
  }

  public static Path fileOf(Path logs, long taskId) {
    return logs.resolve("tasks").resolve("task-" + taskId + ".log");
  }

  /** Its last lines, as far as they are among the last 64 KiB; none where there is no such log. */
  public static List<String> lastLines(Path logs, long taskId, int most) {
    try {
      Path file = fileOf(logs, taskId);
      long from = Math.max(0, Files.size(file) - TAIL_BYTES);
      byte[] bytes = read(file, from, TAIL_BYTES);
      List<String> lines = new String(bytes, StandardCharsets.UTF_8).lines().toList();
      int skip = Math.max(from > 0 ? 1 : 0, lines.size() - most);
      return lines.subList(Math.min(skip, lines.size()), lines.size());
    } catch (IOException notOnThisHost) {
      return List.of();
    }
  }

  /**
   * A part of a log.
   *
   * @param from the first byte
   * @param most bytes; fewer where the log ends before, or has been shortened meanwhile
   */
  public static byte[] read(Path file, long from, int most) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer bytes =
          ByteBuffer.allocate((int) Math.min(most, Math.max(0, channel.size() - from)));
      while (bytes.hasRemaining() && channel.read(bytes, from + bytes.position()) >= 0) {
        continue;
      }
      return Arrays.copyOf(bytes.array(), bytes.position());
    }
  }

  /** Nothing is opened before there is something to write: many a program prints nothing. */
  public static TaskLog open(Settings.Logs logs, long taskId) {
    return new TaskLog(fileOf(logs.directory(), taskId), logs.taskMax());
  }

  private void open() {
    try {
      channel = append(file);
    } catch (java.nio.file.NoSuchFileException noDirectoryYet) {
      try {
        OwnerOnly.directory(file.getParent());
        channel = append(file);
      } catch (IOException e) {
        giveUp(e);
      }
    } catch (IOException e) {
      giveUp(e);
    }
  }

  private static FileChannel append(Path file) throws IOException {
    return FileChannel.open(file, APPEND, OwnerOnly.FILE);
  }

  public void header(String text) {
    byte[] line = ("--- " + text + " ---\n").getBytes(StandardCharsets.UTF_8);
    write(line, 0, line.length);
  }

  /** From any thread. */
  public synchronized void write(byte[] bytes, int offset, int length) {
    if (channel == null && !closed) {
      open();
    }
    if (closed) {
      return;
    }
    // A sixteenth fits into what leaving out the middle makes free.
    int piece = (int) Math.min(length, most / 16);
    try {
      for (int at = 0; at < length; at += piece) {
        int next = Math.min(piece, length - at);
        if (channel.size() + next > most) {
          LogMiddle.leaveOut(file, most);
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes, offset + at, next);
        while (buffer.hasRemaining()) {
          channel.write(buffer);
        }
      }
    } catch (IOException e) {
      giveUp(e);
    }
  }

  private void giveUp(IOException failure) {
    LOG.warn("{} cannot be written ({}): its lines are dropped", file, failure.toString());
    close();
  }

  @Override
  public synchronized void close() {
    FileChannel open = channel;
    channel = null;
    closed = true;
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        LOG.debug("{} did not close", file, e);
      }
    }
  }
}
