package routes.ledger;

import com.mysql.cj.jdbc.JdbcConnection;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.PreparedStatementCreator;
import org.springframework.jdbc.core.PreparedStatementSetter;
import org.springframework.jdbc.core.ResultSetExtractor;
import org.springframework.jdbc.core.SqlProvider;

/**
 * For what operators ask: the driver puts the values in, and the server plans anew each time. Of
 * statements that it has prepared, MariaDB 11.4 no longer sees, once somebody has updated the
 * table, that an index alone would do; it reads all rows, hints or not.
 */
final class Reads extends JdbcTemplate {
  Reads(DataSource database) {
    super(database);
  }

  @Override
  public <T> T query(
      PreparedStatementCreator statement,
      PreparedStatementSetter values,
      ResultSetExtractor<T> rows) {
    PreparedStatementCreator here =
        statement instanceof SqlProvider known
            ? connection ->
                connection.unwrap(JdbcConnection.class).clientPrepareStatement(known.getSql())
            : statement;
    return super.query(here, values, rows);
  }
}
