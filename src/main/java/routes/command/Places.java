package routes.command;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import routes.settings.Flow;

/**
 * How many programs of a kind run at once; who has waited longest goes first. The limit may change
 * while some run.
 */
final class Places {
  private final Supplier<Flow.Limits> limits;
  private final Map<Command.Kind, Row> rows =
      Map.of(
          Command.Kind.DOWNLOAD, new Row(),
          Command.Kind.UPLOAD, new Row(),
          Command.Kind.QUESTION, new Row());

  private static final class Row extends Semaphore {
    private static final long serialVersionUID = 1;

    private int size;

    Row() {
      super(0, true);
    }

    synchronized void resize(int wanted) {
      if (wanted > size) {
        release(wanted - size);
      } else {
        reducePermits(size - wanted);
      }
      size = wanted;
    }
  }

  Places(Supplier<Flow.Limits> limits) {
    this.limits = limits;
  }

  /**
   * @return whether there was a place, or one became free in that time
   */
  boolean tryEnter(Command.Kind kind, Duration patience) throws InterruptedException {
    Row row = rows.get(kind);
    row.resize(
        switch (kind) {
          case DOWNLOAD -> limits.get().downloads();
          case UPLOAD -> limits.get().uploads();
          case QUESTION -> Integer.MAX_VALUE;
        });
    return row.tryAcquire(patience.toMillis(), TimeUnit.MILLISECONDS);
  }

  void leave(Command.Kind kind) {
    rows.get(kind).release();
  }
}
