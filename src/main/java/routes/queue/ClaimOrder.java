package routes.queue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.function.Supplier;
import routes.settings.Flow;
import routes.settings.Settings;

/**
 * Who goes first: the VIP queue, except that one of the others goes after so many of them; and some
 * slots hear of nobody else. A paused queue is not heard of.
 */
public final class ClaimOrder implements RedisBellComponent.Order {
  private final Supplier<Flow.Vip> vip;
  private final Settings.Queue queue;
  private final Predicate<String> paused;
  private final AtomicLong turns = new AtomicLong();

  /**
   * @param vip as of now
   * @param paused whether an inbox is paused
   */
  public ClaimOrder(Settings.Queue queue, Supplier<Flow.Vip> vip, Predicate<String> paused) {
    this.vip = vip;
    this.queue = queue;
    this.paused = paused;
  }

  @Override
  public String[] sets(int thread) {
    List<String> sets = new ArrayList<>(2);
    if (!paused.test(queue.vipInbox())) {
      sets.add(RedisKeys.READY_VIP);
    }
    if (thread >= vip.get().reservedSlots() && !paused.test(queue.inbox())) {
      sets.add(isTurnOfTheOthers() ? 0 : sets.size(), RedisKeys.READY);
    }
    return sets.toArray(String[]::new);
  }

  private boolean isTurnOfTheOthers() {
    int weight = vip.get().weight();
    return weight > 0 && turns.incrementAndGet() % (weight + 1) == 0;
  }
}
