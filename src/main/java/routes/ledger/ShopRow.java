package routes.ledger;

/**
 * What the shop's database says of a task. Source: CONTRACT.md, section 3.
 *
 * @param status null if there is no such row
 */
public record ShopRow(String status, String courseUrl, String orderId) {
  public enum Verdict {
    ENROLLED,
    WAIT,
    DELIVERED,
    FAILED,
    MISSING,
    UNEXPECTED
  }

  public Verdict verdict() {
    if (status == null) {
      return Verdict.MISSING;
    }
    return switch (status) {
      case "enrolled" -> Verdict.ENROLLED;
      case "processing", "pending", "paid" -> Verdict.WAIT;
      case "completed" -> Verdict.DELIVERED;
      case "failed" -> Verdict.FAILED;
      default -> Verdict.UNEXPECTED;
    };
  }
}
