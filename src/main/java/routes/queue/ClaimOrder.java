package routes.queue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import routes.settings.Flow;
import routes.settings.Settings;

/**
 * Who goes first: the VIP queue, except that one of the others goes after so many of them; and some
 * slots hear of nobody else. A paused queue is not heard of.
 */
public final class ClaimOrder implements RedisBellComponent.Order {
  private final Flow.Vip vip;
  private final Settings.Queue queue;
  private final Predicate<String> paused;
  private final AtomicLong turns = new AtomicLong();

  /**
   * @param paused whether an inbox is paused
   */
  public ClaimOrder(Settings settings, Predicate<String> paused) {
    this.vip = settings.flow().vip();
    this.queue = settings.queue();
    this.paused = paused;
  }

  @Override
  public String[] sets(int thread) {
    List<String> sets = new ArrayList<>(2);
    if (!paused.test(queue.vipInbox())) {
      sets.add(RedisKeys.READY_VIP);
    }
    if (thread >= vip.reservedSlots() && !paused.test(queue.inbox())) {
      sets.add(isTurnOfTheOthers() ? 0 : sets.size(), RedisKeys.READY);
    }
    return sets.toArray(String[]::new);
  }

  private boolean isTurnOfTheOthers() {
    return vip.weight() > 0 && turns.incrementAndGet() % (vip.weight() + 1) == 0;
  }
}
