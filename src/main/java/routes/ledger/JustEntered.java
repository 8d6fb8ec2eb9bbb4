package routes.ledger;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What this process has just entered as ready. Whoever claims such a job need not ask what is in
 * its row: the claim itself finds out whether the row is still as it was entered.
 */
public final class JustEntered {
  /** Jobs; those beyond it are asked for. */
  private static final int MOST = 1_000;

  /**
   * A row, as far as a claim needs it.
   *
   * @param orderId may be null
   */
  record Row(
      String orderId,
      String email,
      String courseUrl,
      String courseKey,
      boolean vip,
      String deliveryId) {}

  private final Map<Long, Row> rows = new LinkedHashMap<>();

  synchronized void add(long taskId, Row row) {
    rows.put(taskId, row);
    if (rows.size() > MOST) {
      rows.remove(rows.keySet().iterator().next());
    }
  }

  /** Null if it is not known; gives it once. */
  synchronized Row take(long taskId) {
    return rows.remove(taskId);
  }
}
