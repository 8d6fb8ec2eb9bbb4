package servers;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Free ports of loopback, for servers that cannot choose one themselves or come back on the same.
 * They are below those that Linux gives to outgoing connections, which would take one away between
 * the choice and the server's start. For the same reason a JVM keeps a port from the others that
 * run tests here as long as it lives: by a lock of one byte in a file, which the kernel takes back.
 */
public final class Ports {
  private static final int LOWEST = 10_000;

  /** 32768 is where the ports of outgoing connections begin, unless somebody has changed that. */
  private static final int NUMBER = 32_768 - LOWEST;

  /** Elsewhere in each JVM, so that they seldom meet. */
  private static final AtomicInteger NEXT =
      new AtomicInteger((int) (ProcessHandle.current().pid() * 512 % NUMBER));

  private static final FileChannel TAKEN = open();

  private Ports() {}

  private static FileChannel open() {
    String name = "waybill-ports-" + System.getProperty("user.name");
    try {
      return FileChannel.open(
          Path.of(System.getProperty("java.io.tmpdir"), name),
          StandardOpenOption.CREATE,
          StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** One that nobody listens on; never the same twice, as long as there are others. */
  public static int free() throws IOException {
    for (int i = 0; i < NUMBER; i++) {
      int port = LOWEST + NEXT.getAndUpdate(last -> (last + 1) % NUMBER);
      if (TAKEN.tryLock(port, 1, false) == null) {
        continue;
      }
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (BindException taken) {
        // the next one
      }
    }
    throw new IOException("no port is free from " + LOWEST + " to " + (LOWEST + NUMBER - 1));
  }
}
