package routes.monitoring;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.filter.ThresholdFilter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Layout;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.TimeBasedRollingPolicy;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.settings.Settings;

/**
 * The worker's own log files, and the lifecycle log. Source of their names: CONTRACT.md, section 6.
 */
public final class LogFiles {
  private static final String LINE =
      "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level [%thread] %logger{0} - %msg%n";

  private LogFiles() {}

  /**
   * From here on, what is logged goes to files in the directory that the settings name, and neither
   * they nor the console are told a secret.
   *
   * @return ends that
   */
  public static AutoCloseable open(Settings.Logs logs, Redactor redactor) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    Path directory = logs.directory();
    List<Runnable> undo = makeSafe(context, redactor);
    RollingFileAppender<ILoggingEvent> out =
        worker(context, directory.resolve("worker-out"), logs, Level.INFO, redactor);
    RollingFileAppender<ILoggingEvent> errors =
        worker(context, directory.resolve("worker-error"), logs, Level.WARN, redactor);
    RollingFileAppender<ILoggingEvent> events = openLifecycle(logs);
    ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    root.addAppender(out);
    root.addAppender(errors);
    return () -> {
      root.detachAppender(out);
      root.detachAppender(errors);
      context.getLogger(Events.LIFECYCLE).detachAppender(events);
      out.stop();
      errors.stop();
      events.stop();
      undo.forEach(Runnable::run);
    };
  }

  /** What is there already, the console or whatever an operator has configured. */
  private static List<Runnable> makeSafe(LoggerContext context, Redactor redactor) {
    List<Runnable> undo = new ArrayList<>();
    for (ch.qos.logback.classic.Logger logger : context.getLoggerList()) {
      logger
          .iteratorForAppenders()
          .forEachRemaining(
              appender -> {
                if (appender instanceof OutputStreamAppender<ILoggingEvent> writer
                    && writer.getEncoder() instanceof LayoutWrappingEncoder<ILoggingEvent> before) {
                  writer.setEncoder(safe(context, before, redactor));
                  undo.add(() -> writer.setEncoder(before));
                }
              });
    }
    return undo;
  }

  private static LayoutWrappingEncoder<ILoggingEvent> safe(
      LoggerContext context, LayoutWrappingEncoder<ILoggingEvent> before, Redactor redactor) {
    LayoutWrappingEncoder<ILoggingEvent> encoder = new LayoutWrappingEncoder<>();
    encoder.setContext(context);
    encoder.setCharset(before.getCharset());
    Layout<ILoggingEvent> own = before.getLayout();
    SafeLayout layout = new SafeLayout(own, redactor);
    layout.setContext(context);
    layout.start();
    encoder.setLayout(layout);
    encoder.start();
    return encoder;
  }

  /** For a command that changes something: it is told where the workers tell it, until closed. */
  public static Silence tellLifecycle(Settings.Logs logs) {
    RollingFileAppender<ILoggingEvent> events = openLifecycle(logs);
    return () -> {
      LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
      context.getLogger(Events.LIFECYCLE).detachAppender(events);
      events.stop();
    };
  }

  static RollingFileAppender<ILoggingEvent> openLifecycle(Settings.Logs logs) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    RollingFileAppender<ILoggingEvent> events =
        appender(
            context,
            null,
            logs.directory().resolve("lifecycle-%d{yyyy-MM-dd}.log").toString(),
            logs,
            "%msg%n");
    ch.qos.logback.classic.Logger lifecycle = context.getLogger(Events.LIFECYCLE);
    lifecycle.setAdditive(false);
    lifecycle.setLevel(Level.INFO);
    lifecycle.addAppender(events);
    return events;
  }

  /** A silence that ends when it is closed. */
  public interface Silence extends AutoCloseable {
    @Override
    void close();
  }

  /** For commands that talk to a person: what libraries say stays out of it. */
  public static Silence silence() {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    Level before = root.getLevel();
    root.setLevel(Level.OFF);
    return () -> root.setLevel(before);
  }

  private static RollingFileAppender<ILoggingEvent> worker(
      LoggerContext context, Path name, Settings.Logs logs, Level least, Redactor redactor) {
    RollingFileAppender<ILoggingEvent> appender =
        appender(
            context,
            name + ".log",
            name + "-%d{yyyy-MM-dd}." + ProcessHandle.current().pid() + ".log",
            logs,
            LINE);
    ThresholdFilter threshold = new ThresholdFilter();
    threshold.setLevel(least.toString());
    threshold.start();
    appender.addFilter(threshold);
    appender.setEncoder(safe(context, (PatternLayoutEncoder) appender.getEncoder(), redactor));
    return appender;
  }

  private static RollingFileAppender<ILoggingEvent> appender(
      LoggerContext context, String file, String rolled, Settings.Logs logs, String pattern) {
    RollingFileAppender<ILoggingEvent> appender = new PrivateFile();
    appender.setContext(context);
    appender.setName(rolled);
    appender.setFile(file);
    TimeBasedRollingPolicy<ILoggingEvent> policy = new TimeBasedRollingPolicy<>();
    policy.setContext(context);
    policy.setParent(appender);
    policy.setFileNamePattern(rolled);
    policy.setMaxHistory(logs.keepDays());
    policy.start();
    PatternLayoutEncoder encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setCharset(StandardCharsets.UTF_8);
    encoder.setPattern(pattern);
    encoder.start();
    appender.setRollingPolicy(policy);
    appender.setEncoder(encoder);
    appender.start();
    return appender;
  }

  /** Holds e-mail addresses: nobody but the worker's user reads it. */
  private static final class PrivateFile extends RollingFileAppender<ILoggingEvent> {
    @Override
    public void openFile(String name) throws IOException {
      OwnerOnly.create(Path.of(name));
      super.openFile(name);
    }
  }
}
