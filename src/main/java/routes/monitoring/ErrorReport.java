package routes.monitoring;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import routes.command.TookTooLong;

/**
 * What the shop's {@code error_log} says of a job that has failed for good. Source: CONTRACT.md,
 * section 3.
 */
public final class ErrorReport {
  /** Bytes in UTF-8. */
  public static final int MAX_BYTES = 16 * 1024;

  private final Redactor redactor;

  public ErrorReport(Redactor redactor) {
    this.redactor = redactor;
  }

  private String line(String text) {
    return Visible.line(redactor.clean(text));
  }

  /** The failure in one line, without secrets. */
  public String reason(Throwable failure) {
    Throwable told = failure;
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof TookTooLong) {
        told = t;
      }
    }
    String message = told.getMessage();
    return line(
        message == null || message.isBlank()
            ? told.getClass().getSimpleName()
            : told instanceof routes.job.Transient || told instanceof routes.job.Permanent
                ? message
                : told.getClass().getSimpleName() + ": " + message);
  }

  /**
   * @param stage the work that failed
   * @param tries how often it was tried
   */
  public String write(String stage, Throwable failure, int tries) {
    StringWriter trace = new StringWriter();
    failure.printStackTrace(new PrintWriter(trace));
    return cut(
        "stage: "
            + stage
            + "\nreason: "
            + reason(failure)
            + "\ntries: "
            + tries
            + "\n\n"
            + Visible.trace(redactor.clean(trace.toString())));
  }

  /** For what failed before any stage began. */
  public String write(String stage, String reason) {
    return cut("stage: " + stage + "\nreason: " + line(reason) + "\n");
  }

  private static String cut(String text) {
    CharsetEncoder encoder = StandardCharsets.UTF_8.newEncoder();
    CharBuffer in = CharBuffer.wrap(text);
    // The encoder stops before a character that no longer fits whole.
    encoder.encode(in, ByteBuffer.allocate(MAX_BYTES), true);
    return text.substring(0, in.position());
  }
}
