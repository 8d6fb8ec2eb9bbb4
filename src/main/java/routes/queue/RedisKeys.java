package routes.queue;

import routes.settings.Settings;

/** Every Redis key and channel of Waybill's own; all begin with {@code waybill:}. */
public final class RedisKeys {
  /** List of payloads that cannot be a job, the newest first. */
  public static final String REJECTED = "waybill:rejected";

  /**
   * Sorted set of the ids of ready tasks, by the time they were received; a ring is never doubled
   * in it.
   */
  public static final String READY = "waybill:ready";

  /** The same for those who go first. */
  public static final String READY_VIP = "waybill:ready:vip";

  /** Ready tasks whose download is behind them: heard of also where no download may begin. */
  public static final String READY_DOWNLOADED = "waybill:ready:downloaded";

  /** The same for those who go first. */
  public static final String READY_VIP_DOWNLOADED = "waybill:ready:vip:downloaded";

  /**
   * Sorted set of the jobs started within the last interval, by their time; only with a rate limit.
   */
  public static final String STARTS = "waybill:starts";

  /** Channel on which every event is published as it happens. */
  public static final String EVENTS = "waybill:events";

  private RedisKeys() {}

  /**
   * What a worker has taken off an inbox and not yet entered in the ledger; the braces keep both in
   * one slot.
   */
  public static String claimed(String inbox, String worker) {
    return "waybill:claimed:{" + inbox + "}:" + worker;
  }

  /** What was delivered of a course; kept as long as it may be given to other buyers. */
  public static String delivered(String courseKey) {
    return "waybill:delivered:" + courseKey;
  }

  public static String ready(boolean vip, boolean downloaded) {
    if (downloaded) {
      return vip ? READY_VIP_DOWNLOADED : READY_DOWNLOADED;
    }
    return vip ? READY_VIP : READY;
  }

  /** Whether the tasks of a set of ready ones have a download to do. */
  static boolean haveDownload(String set) {
    return set.equals(READY) || set.equals(READY_VIP);
  }

  /** The inboxes, in the order in which they are looked at. */
  public static java.util.List<String> inboxes(Settings.Queue queue) {
    return java.util.List.of(queue.vipInbox(), queue.inbox());
  }
}
