package servers;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A TCP proxy on loopback whose connections can be cut: the request gets through, its answer does
 * not.
 */
public final class CutProxy implements AutoCloseable {
  private final ServerSocket server;
  private final int target;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final AtomicInteger cuts = new AtomicInteger();

  private CutProxy(ServerSocket server, int target) {
    this.server = server;
    this.target = target;
  }

  /**
   * @param target port on loopback
   */
  public static CutProxy before(int target) throws IOException {
    CutProxy proxy =
        new CutProxy(new ServerSocket(0, 200, InetAddress.getLoopbackAddress()), target);
    start(proxy::accept);
    return proxy;
  }

  public int port() {
    return server.getLocalPort();
  }

  /** The next answers are swallowed, each with its connection. */
  public void cutNextAnswers(int number) {
    cuts.addAndGet(number);
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket client = server.accept();
        sockets.add(client);
        Socket upstream;
        try {
          upstream = new Socket(InetAddress.getLoopbackAddress(), target);
        } catch (IOException targetIsAway) {
          end(client);
          continue;
        }
        sockets.add(upstream);
        start(() -> pump(client, upstream, false));
        start(() -> pump(upstream, client, true));
      } catch (IOException closed) {
        // the loop's condition says whether that was meant
      }
    }
  }

  private void pump(Socket from, Socket to, boolean answers) {
    byte[] buffer = new byte[16 * 1024];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      int read;
      while ((read = in.read(buffer)) > 0) {
        if (answers && cuts.get() > 0 && cuts.getAndDecrement() > 0) {
          break;
        }
        out.write(buffer, 0, read);
      }
    } catch (IOException cut) {
      // both ends are closed below
    } finally {
      end(from);
      end(to);
    }
  }

  private void end(Socket socket) {
    sockets.remove(socket);
    try {
      socket.close();
    } catch (IOException e) {
      // it is gone
    }
  }

  private static void start(Runnable work) {
    Thread thread = new Thread(work, "cut-proxy");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    server.close();
    sockets.forEach(this::end);
  }
}
