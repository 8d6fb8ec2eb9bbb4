package routes.command;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;
import routes.settings.Flow;

/** How many programs of a kind run at once; the limit may change while some do. */
final class Places {
  private final Supplier<Flow.Limits> limits;
  private final Map<Command.Kind, Integer> taken = new EnumMap<>(Command.Kind.class);

  Places(Supplier<Flow.Limits> limits) {
    this.limits = limits;
  }

  /**
   * @return whether there was a place, or one became free in that time
   */
  synchronized boolean tryEnter(Command.Kind kind, Duration patience) throws InterruptedException {
    if (isFull(kind)) {
      wait(patience.toMillis());
    }
    if (isFull(kind)) {
      return false;
    }
    taken.merge(kind, 1, Integer::sum);
    return true;
  }

  synchronized void leave(Command.Kind kind) {
    taken.merge(kind, -1, Integer::sum);
    notifyAll();
  }

  private boolean isFull(Command.Kind kind) {
    int most =
        switch (kind) {
          case DOWNLOAD -> limits.get().downloads();
          case UPLOAD -> limits.get().uploads();
          case QUESTION -> Integer.MAX_VALUE;
        };
    return taken.getOrDefault(kind, 0) >= most;
  }
}
