package routes.command;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import routes.monitoring.Redactor;

/**
 * Drains what a program prints: without secrets into the task's log, to the progress reader, or
 * into memory up to a bound. It goes on when the log is full, since a program that cannot print
 * would hang.
 */
final class OutputPump implements Runnable {
  private static final int BUFFER = 16 * 1024;
  private static final int LONGEST_LINE = 4 * 1024;

  /** A listing of some hundred thousand files; what is longer is cut, and then does not parse. */
  private static final int MOST_KEPT = 64 * 1024 * 1024;

  private final InputStream from;
  private final Redactor.Flow log;
  private final Progress progress;
  private final ByteArrayOutputStream kept;
  private final StringBuilder line = new StringBuilder();
  private volatile long lastOutputNanos = System.nanoTime();

  /**
   * @param keep whether the output is kept for the caller instead of going to the log
   */
  OutputPump(InputStream from, TaskLog log, Redactor redactor, Progress progress, boolean keep) {
    this.from = from;
    this.log = redactor.flow(log::write);
    this.progress = progress;
    this.kept = keep ? new ByteArrayOutputStream() : null;
  }

  long lastOutputNanos() {
    return lastOutputNanos;
  }

  byte[] kept() {
    return kept == null ? new byte[0] : kept.toByteArray();
  }

  @Override
  public void run() {
    byte[] buffer = new byte[BUFFER];
    try {
      int read;
      while ((read = from.read(buffer)) >= 0) {
        lastOutputNanos = System.nanoTime();
        if (kept == null) {
          log.write(buffer, 0, read);
        } else if (kept.size() + read <= MOST_KEPT) {
          kept.write(buffer, 0, read);
        }
        if (progress != null) {
          follow(buffer, read);
        }
      }
    } catch (IOException closed) {
      // the program has ended, or is being ended
    }
    log.end();
  }

  /** Lines end at LF or CR: programs redraw their percentages with CR. */
  private void follow(byte[] bytes, int length) {
    String text = new String(bytes, 0, length, StandardCharsets.UTF_8);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\n' || c == '\r') {
        progress.line(line.toString());
        line.setLength(0);
      } else if (line.length() < LONGEST_LINE) {
        line.append(c);
      }
    }
    if (line.indexOf("%") >= 0) {
      progress.line(line.toString());
    }
  }
}
