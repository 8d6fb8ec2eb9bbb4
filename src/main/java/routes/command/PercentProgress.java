package routes.command;

import java.util.function.IntConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds {@code 42%} in what a program prints and passes it on when it has changed. */
public final class PercentProgress implements Progress {
  private static final Pattern PERCENT = Pattern.compile("(?<![\\d.])(\\d{1,3})(?:\\.\\d+)?\\s?%");

  private final IntConsumer changed;
  private int last = -1;

  public PercentProgress(IntConsumer changed) {
    this.changed = changed;
  }

  @Override
  public void line(String line) {
    Matcher matcher = PERCENT.matcher(line);
    int percent = -1;
    while (matcher.find()) {
      percent = Integer.parseInt(matcher.group(1));
    }
    if (percent >= 0 && percent <= 100 && percent != last) {
      last = percent;
      changed.accept(percent);
    }
  }
}
