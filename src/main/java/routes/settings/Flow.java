package routes.settings;

import java.time.Duration;

/** Who goes first, how many at once, how fast, and what is not done twice. */
public record Flow(Vip vip, Rate rate, Limits limits, Breaker breaker, Cache cache) {
  /**
   * @param reservedSlots of each process, for those who go first
   * @param weight how many of them go for one of the others while both wait; 0: all of them
   */
  public record Vip(int reservedSlots, int weight) {}

  /**
   * @param max jobs started within the interval by all processes together; 0: any number
   */
  public record Rate(int max, Duration interval) {
    public boolean isLimited() {
      return max > 0;
    }
  }

  /**
   * @param downloads at once in this process
   * @param uploads at once in this process
   * @param ofEmail jobs of one buyer at once, in all processes
   * @param ofCourse jobs of one course at once, in all processes
   */
  public record Limits(int downloads, int uploads, int ofEmail, int ofCourse) {}

  /**
   * @param failures in a row that hold a stage back
   * @param pause before one job tries again
   * @param maxWait of a stage that is held back, after which failed tries are the jobs' own again
   * @param quotaPause when the remote says that a quota is used up
   */
  public record Breaker(int failures, Duration pause, Duration maxWait, Duration quotaPause) {}

  /**
   * @param ttl how long a delivery may be given to other buyers of its course
   * @param entries kept in this process
   */
  public record Cache(boolean enabled, Duration ttl, int entries) {}

  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration DAY = Duration.ofDays(1);

  static Flow read(Reader read, int workers) {
    Vip vip =
        new Vip(
            read.count("waybill.vip.reserved-slots", 0, Math.max(0, workers - 1)),
            read.count("waybill.vip.weight", 0, 1_000_000));
    Rate rate =
        new Rate(
            read.count("waybill.rate.max", 0, 1_000_000),
            read.duration("waybill.rate.interval", Duration.ofMillis(10), DAY));
    Limits limits =
        new Limits(
            limit(read, "waybill.limit.downloads"),
            limit(read, "waybill.limit.uploads"),
            limit(read, "waybill.limit.per-email"),
            limit(read, "waybill.limit.per-course"));
    Breaker breaker =
        new Breaker(
            read.count("waybill.breaker.failures", 2, 10_000),
            read.duration("waybill.breaker.pause", Duration.ofMillis(100), DAY),
            read.duration("waybill.breaker.max-wait", SECOND, Duration.ofDays(365)),
            read.duration("waybill.upload.quota-pause", Duration.ofMillis(100), DAY));
    Cache cache =
        new Cache(
            read.choice("waybill.cache.enabled", Settings.Switch.class) == Settings.Switch.TRUE,
            read.duration("waybill.cache.ttl", SECOND, Duration.ofDays(365)),
            read.count("waybill.cache.entries", 1, 1_000_000));
    return new Flow(vip, rate, limits, breaker, cache);
  }

  /** 0 stands for any number. */
  private static int limit(Reader read, String key) {
    int number = read.count(key, 0, 1_000_000);
    return number == 0 ? Integer.MAX_VALUE : number;
  }
}
