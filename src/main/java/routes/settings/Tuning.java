package routes.settings;

import java.util.Set;

/**
 * What can be changed while the worker runs: who goes first, how many at once, and how fast.
 *
 * @param workers jobs this process runs at once
 */
public record Tuning(int workers, Flow.Vip vip, Flow.Rate rate, Flow.Limits limits) {
  /** Its keys; every other one is read at the start and never again. */
  static final Set<String> KEYS =
      Set.of(
          "waybill.workers",
          "waybill.vip.reserved-slots",
          "waybill.vip.weight",
          "waybill.rate.max",
          "waybill.rate.interval",
          "waybill.limit.downloads",
          "waybill.limit.uploads",
          "waybill.limit.per-email",
          "waybill.limit.per-course");

  public static Tuning of(Settings settings) {
    Flow flow = settings.flow();
    return new Tuning(settings.workers(), flow.vip(), flow.rate(), flow.limits());
  }
}
