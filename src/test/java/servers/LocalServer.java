package servers;

import java.io.IOException;
import java.nio.file.Path;

/** A server on a free port of loopback that can be killed and started again. */
abstract class LocalServer implements AutoCloseable {
  final Path directory;
  final String password;
  final int port;
  LocalProcess process;

  LocalServer(Path directory, String password) throws IOException {
    this.directory = directory.toAbsolutePath();
    this.password = password;
    this.port = Ports.free();
  }

  /** Returns when it answers. */
  public abstract void start() throws IOException;

  public int port() {
    return port;
  }

  public long pid() {
    return process.pid();
  }

  public String password() {
    return password;
  }

  /** TERM, KILL, STOP, CONT to the server alone. */
  public void signal(String signal) throws IOException {
    process.signal(signal);
  }

  /** As if its machine had lost power. */
  public void kill() {
    process.close();
  }

  @Override
  public void close() {
    process.close();
  }
}
