package routes.ledger;

import java.sql.SQLException;
import java.util.Set;
import java.util.function.Supplier;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.RecoverableDataAccessException;
import org.springframework.dao.TransientDataAccessException;
import org.springframework.transaction.CannotCreateTransactionException;
import org.springframework.transaction.TransactionSystemException;

/** The one place that decides whether a database error means "wait for it". */
public final class Reach {
  /** Class of SQLSTATE for a broken connection. Source: ISO 9075. */
  private static final String CONNECTION_CLASS = "08";

  /**
   * Server shutdown, connection killed, server gone, lost; too many connections; lock wait time-out
   * and deadlock; read-only and not-primary. Source: the servers' error references.
   */
  private static final Set<Integer> PASSING =
      Set.of(
          1040, 1053, 1152, 1159, 1161, 1184, 1203, 1205, 1213, 1226, 1290, 1836, 1927, 2006, 2013,
          3024);

  private Reach() {}

  /**
   * @throws LedgerAway if the work failed because the database is away
   */
  static <T> T reach(Supplier<T> work) {
    try {
      return work.get();
    } catch (RuntimeException e) {
      throw explain(e);
    }
  }

  /** The same failure as {@link LedgerAway} if the database is away, otherwise as it is. */
  private static RuntimeException explain(RuntimeException failure) {
    return isAway(failure) ? new LedgerAway("The database cannot be reached", failure) : failure;
  }

  /** Whether a failure will be over once the database is back. */
  public static boolean isAway(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof LedgerAway
          || t instanceof DataAccessResourceFailureException
          || t instanceof TransientDataAccessException
          || t instanceof RecoverableDataAccessException
          || t instanceof CannotCreateTransactionException
          || t instanceof TransactionSystemException) {
        return true;
      }
      if (t instanceof SQLException sql
          && ((sql.getSQLState() != null && sql.getSQLState().startsWith(CONNECTION_CLASS))
              || PASSING.contains(sql.getErrorCode()))) {
        return true;
      }
    }
    return false;
  }
}
