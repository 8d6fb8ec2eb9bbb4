package routes.monitoring;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.core.Layout;
import ch.qos.logback.core.LayoutBase;

/**
 * Puts around a log's own layout what every line of it needs: no secrets, whoever logged them, and
 * nothing from outside that looks like a line of its own.
 */
final class SafeLayout extends LayoutBase<ILoggingEvent> {
  private final Layout<ILoggingEvent> own;
  private final Redactor redactor;

  SafeLayout(Layout<ILoggingEvent> own, Redactor redactor) {
    this.own = own;
    this.redactor = redactor;
  }

  @Override
  public String doLayout(ILoggingEvent event) {
    String clean = redactor.clean(own.doLayout(onOneLine(event)));
    int end = clean.indexOf('\n') + 1;
    return end == 0 || end == clean.length()
        ? clean
        : clean.substring(0, end) + Visible.trace("\t" + clean.substring(end)).substring(1);
  }

  private LoggingEvent onOneLine(ILoggingEvent event) {
    LoggingEvent line = new LoggingEvent();
    line.setLoggerName(event.getLoggerName());
    line.setLoggerContextRemoteView(event.getLoggerContextVO());
    line.setLevel(event.getLevel());
    line.setThreadName(Visible.line(event.getThreadName()));
    line.setMessage(Visible.line(redactor.clean(String.valueOf(event.getFormattedMessage()))));
    line.setInstant(event.getInstant());
    line.setMDCPropertyMap(event.getMDCPropertyMap());
    if (event.getThrowableProxy() instanceof ThrowableProxy thrown) {
      line.setThrowableProxy(thrown);
    }
    return line;
  }
}
