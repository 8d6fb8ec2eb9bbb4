package routes.ledger;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.datasource.AbstractDataSource;
import servers.Shop;

/** The tables come to be, wherever whoever makes them ends. */
class SchemaTest {
  /** Statements that change something. */
  private static final String CHANGE =
      "(?is)(\\s|--[^\n]*\n)*(CREATE|ALTER|INSERT|UPDATE|DELETE|EXECUTE).*";

  private static final int NEVER = Integer.MAX_VALUE;

  @TempDir Path directory;
  private Shop shop;
  private int schemas;

  @BeforeEach
  void openShop() throws Exception {
    shop = Shop.open(directory);
  }

  @AfterEach
  void closeShop() throws Exception {
    shop.close();
  }

  private String newSchema() throws SQLException {
    String schema = shop.schema() + "_" + ++schemas;
    shop.database().createShop(schema);
    return schema;
  }

  /** A process that makes the tables, and does not come to its end. */
  private final class Mortal extends AbstractDataSource {
    private final String schema;
    private final int last;
    private final boolean dies;
    private final List<Connection> open = new ArrayList<>();
    private int done;

    /**
     * @param last the change that is its last
     * @param dies whether it is gone after that change; otherwise the change fails, once
     */
    Mortal(String schema, int last, boolean dies) {
      this.schema = schema;
      this.last = last;
      this.dies = dies;
    }

    @Override
    public Connection getConnection() throws SQLException {
      if (dies && done >= last) {
        throw new SQLException("the process is gone");
      }
      Connection connection = shop.database().connect(schema);
      open.add(connection);
      return wrap(
          Connection.class,
          (proxy, method, arguments) -> {
            Object result = call(connection, method, arguments);
            if (result instanceof PreparedStatement prepared) {
              return wrap(PreparedStatement.class, counting(prepared, (String) arguments[0]));
            }
            return result instanceof Statement statement
                ? wrap(Statement.class, counting(statement, null))
                : result;
          });
    }

    private InvocationHandler counting(Statement statement, String prepared) {
      return (proxy, method, arguments) -> {
        if (!method.getName().startsWith("execute")) {
          return call(statement, method, arguments);
        }
        String sql = prepared == null ? (String) arguments[0] : prepared;
        boolean change = sql.matches(CHANGE);
        if (change && ++done == last && !dies) {
          throw new SQLException("the disk is full");
        }
        Object result = call(statement, method, arguments);
        if (change && done == last) {
          for (Connection one : open) {
            one.abort(Runnable::run);
          }
        }
        return result;
      };
    }

    @Override
    public Connection getConnection(String user, String password) {
      throw new UnsupportedOperationException();
    }
  }

  private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static <T> T wrap(Class<T> type, InvocationHandler handler) {
    return type.cast(
        Proxy.newProxyInstance(SchemaTest.class.getClassLoader(), new Class<?>[] {type}, handler));
  }

  /** Every table as the database would make it, and the migrations that it has seen. */
  private Map<String, String> tables(String schema) throws SQLException {
    Map<String, String> tables = new TreeMap<>();
    try (Connection connection = shop.database().connect(schema);
        Statement statement = connection.createStatement()) {
      List<String> names = new ArrayList<>();
      try (ResultSet rows = statement.executeQuery("SHOW TABLES")) {
        while (rows.next()) {
          names.add(rows.getString(1));
        }
      }
      for (String name : names) {
        try (ResultSet rows = statement.executeQuery("SHOW CREATE TABLE " + name)) {
          rows.next();
          // Flyway's table is one of a dozen rows, which lacks its index if the first start ended
          // there.
          tables.put(
              name, rows.getString(2).replaceAll(",\\s+KEY `waybill_schema_history_s_idx` .*", ""));
        }
      }
      try (ResultSet rows =
          statement.executeQuery(
              "SELECT GROUP_CONCAT(version, ' ', success ORDER BY installed_rank)"
                  + " FROM waybill_schema_history")) {
        rows.next();
        tables.put("history", rows.getString(1));
      }
    }
    return tables;
  }

  private int changes() throws SQLException {
    Mortal immortal = new Mortal(newSchema(), NEVER, false);
    Schema.migrate(immortal);
    return immortal.done;
  }

  private void migrate(String schema) {
    Schema.migrate(new Mortal(schema, NEVER, false));
  }

  @Test
  void should_make_the_tables_after_an_end_at_any_statement() throws Exception {
    String undisturbed = newSchema();
    migrate(undisturbed);
    int changes = changes();
    assertTrue(changes > 20, changes + " statements");

    for (int last = 1; last < changes; last++) {
      String schema = newSchema();
      DataSource mortal = new Mortal(schema, last, true);
      assertThrows(Exception.class, () -> Schema.migrate(mortal));

      migrate(schema);

      assertEquals(tables(undisturbed), tables(schema), "after statement " + last);
    }
  }

  @Test
  void should_make_the_tables_after_a_failure_of_any_statement() throws Exception {
    String undisturbed = newSchema();
    migrate(undisturbed);

    int changes = changes();
    int failed = 0;
    for (int last = 1; last <= changes; last++) {
      String schema = newSchema();
      try {
        Schema.migrate(new Mortal(schema, last, false));
      } catch (Exception e) {
        failed++;
      }

      migrate(schema);

      assertEquals(tables(undisturbed), tables(schema), "statement " + last + " failed");
    }
    // Flyway does without a few of its own.
    assertTrue(failed > changes / 2, failed + " of " + changes);
  }

  @Test
  void should_start_on_tables_whose_migrations_were_worded_otherwise() throws Exception {
    String schema = newSchema();
    migrate(schema);
    try (Connection connection = shop.database().connect(schema);
        Statement statement = connection.createStatement()) {
      statement.executeUpdate("UPDATE waybill_schema_history SET checksum = 1 WHERE version = '7'");
    }
    Map<String, String> before = tables(schema);

    migrate(schema);

    assertEquals(before, tables(schema));
  }
}
