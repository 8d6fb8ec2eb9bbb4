package routes.ledger;

/** The database cannot be reached, or cannot answer now. It is waited for; no job fails of it. */
public class LedgerAway extends RuntimeException {
  public LedgerAway(String reason, Throwable cause) {
    super(reason, cause);
  }
}
