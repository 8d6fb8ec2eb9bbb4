package routes.ledger;

import java.util.List;

/** What JMX shows of the holds. */
public interface HoldsMBean {
  /** A line for each stage that is held back and each queue that is paused. */
  List<String> getHolds();
}
