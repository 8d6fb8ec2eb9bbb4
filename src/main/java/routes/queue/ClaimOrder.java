package routes.queue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import routes.settings.Flow;
import routes.settings.Settings;

/**
 * Who goes first: the VIP queue, except that one of the others goes after so many of them; and some
 * slots hear of nobody else. A paused queue is not heard of. In each queue those whose download is
 * behind them go first, since they make room; where no download may begin, nobody else is heard of.
 */
public final class ClaimOrder implements RedisBellComponent.Order {
  private final Supplier<Flow.Vip> vip;
  private final Settings.Queue queue;
  private final Predicate<String> paused;
  private final BooleanSupplier mayDownload;
  private final AtomicLong turns = new AtomicLong();

  /**
   * @param vip as of now
   * @param paused whether an inbox is paused
   * @param mayDownload whether a download may begin here
   */
  public ClaimOrder(
      Settings.Queue queue,
      Supplier<Flow.Vip> vip,
      Predicate<String> paused,
      BooleanSupplier mayDownload) {
    this.mayDownload = mayDownload;
    this.vip = vip;
    this.queue = queue;
    this.paused = paused;
  }

  @Override
  public String[] sets(int thread) {
    boolean downloads = mayDownload.getAsBoolean();
    List<String> sets = new ArrayList<>(4);
    if (!paused.test(queue.vipInbox())) {
      sets.addAll(of(true, downloads));
    }
    if (thread >= vip.get().reservedSlots() && !paused.test(queue.inbox())) {
      sets.addAll(isTurnOfTheOthers() ? 0 : sets.size(), of(false, downloads));
    }
    return sets.toArray(String[]::new);
  }

  private static List<String> of(boolean vip, boolean downloads) {
    String downloaded = RedisKeys.ready(vip, true);
    return downloads ? List.of(downloaded, RedisKeys.ready(vip, false)) : List.of(downloaded);
  }

  private boolean isTurnOfTheOthers() {
    int weight = vip.get().weight();
    return weight > 0 && turns.incrementAndGet() % (weight + 1) == 0;
  }
}
