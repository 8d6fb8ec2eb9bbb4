package routes.monitoring;

import java.time.Duration;
import redis.clients.jedis.exceptions.JedisException;
import routes.Parts;
import routes.ledger.JobBook;
import routes.ledger.LedgerAway;

/** A queue, as JMX shows it. */
final class QueueView implements QueueMXBean {
  private static final Duration FRESH = Duration.ofSeconds(1);

  private record Seen(long at, long unread, JobBook.Queue jobs) {}

  private final Parts parts;
  private final boolean vip;
  private final String inbox;
  private Seen seen;

  QueueView(Parts parts, boolean vip) {
    this.parts = parts;
    this.vip = vip;
    this.inbox = parts.settings().queueOf(vip);
  }

  /** A client asks for one attribute after the other: they should fit together, and cost once. */
  private synchronized Seen look() {
    long now = parts.clock().millis();
    if (seen == null || now - seen.at() >= FRESH.toMillis()) {
      try {
        seen = new Seen(now, unread(), parts.jobs().queue(vip));
      } catch (LedgerAway e) {
        // Without the cause, whose class a client of JMX need not have.
        throw new IllegalStateException("the database cannot be reached");
      } catch (JedisException e) {
        throw new IllegalStateException("Redis cannot be reached");
      }
    }
    return seen;
  }

  private long unread() {
    boolean list = vip || parts.settings().bullmq().lists();
    return list ? parts.redis().llen(inbox) : parts.bullmqQueue().look().waiting();
  }

  @Override
  public String getInbox() {
    return inbox;
  }

  @Override
  public boolean isPaused() {
    return parts.holds().isPaused(inbox);
  }

  @Override
  public long getUnread() {
    return look().unread();
  }

  @Override
  public long getWaiting() {
    return look().jobs().waiting();
  }

  @Override
  public long getReady() {
    return look().jobs().ready();
  }

  @Override
  public long getRunning() {
    return look().jobs().running();
  }

  @Override
  public long getDelayed() {
    return look().jobs().delayed();
  }

  @Override
  public long getDead() {
    return look().jobs().dead();
  }

  @Override
  public Long getOldestSeconds() {
    return look().jobs().oldestSeconds();
  }

  @Override
  public double getDonePerMinute() {
    return look().jobs().donePerMinute5();
  }
}
