package routes.command;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code LOG_DIR/tasks/task-<taskId>.log}: what the programs print, as they print it, and a header
 * line per try. A log that cannot be written loses lines, never a job.
 */
public final class TaskLog implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(TaskLog.class);

  private final Path file;
  private FileChannel channel;

  private TaskLog(Path file) {
    this.file = file;
  }

  public static Path fileOf(Path logs, long taskId) {
    return logs.resolve("tasks").resolve("task-" + taskId + ".log");
  }

  public static TaskLog open(Path logs, long taskId) {
    TaskLog log = new TaskLog(fileOf(logs, taskId));
    try {
      log.channel = append(log.file);
    } catch (java.nio.file.NoSuchFileException noDirectoryYet) {
      try {
        Files.createDirectories(log.file.getParent());
        log.channel = append(log.file);
      } catch (IOException e) {
        log.giveUp(e);
      }
    } catch (IOException e) {
      log.giveUp(e);
    }
    return log;
  }

  private static FileChannel append(Path file) throws IOException {
    return FileChannel.open(
        file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
  }

  public void header(String text) {
    byte[] line = ("--- " + text + " ---\n").getBytes(StandardCharsets.UTF_8);
    write(line, 0, line.length);
  }

  public void write(byte[] bytes, int offset, int length) {
    if (channel == null) {
      return;
    }
    try {
      ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
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
  public void close() {
    FileChannel open = channel;
    channel = null;
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        LOG.debug("{} did not close", file, e);
      }
    }
  }
}
