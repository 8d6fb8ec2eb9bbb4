package servers;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Free ports of loopback, for servers that cannot choose one themselves or come back on the same.
 * They are below those that Linux gives to outgoing connections, which would take one away between
 * the choice and the server's start; and each JVM begins at another place, those of one test run as
 * far apart as can be, so that two at once do not choose the same.
 */
public final class Ports {
  private static final int LOWEST = 10_000;

  /** 32768 is where the ports of outgoing connections begin, unless somebody has changed that. */
  private static final int NUMBER = 32_768 - LOWEST;

  private static final AtomicInteger NEXT = new AtomicInteger(first());

  private Ports() {}

  private static int first() {
    int checkout = Path.of("").toAbsolutePath().hashCode() % NUMBER;
    return Math.floorMod(checkout + Integer.getInteger("fork", 0) * NUMBER / 2, NUMBER);
  }

  /** One that nobody listens on; never the same twice, as long as there are others. */
  public static int free() throws IOException {
    for (int i = 0; i < NUMBER; i++) {
      int port = LOWEST + NEXT.getAndUpdate(last -> (last + 1) % NUMBER);
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (BindException taken) {
        // the next one
      }
    }
    throw new IOException("no port is free from " + LOWEST + " to " + (LOWEST + NUMBER - 1));
  }
}
