package servers;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.net.ServerSocketFactory;

/** Answers over a socket as no server should. */
public final class RawServer implements AutoCloseable {
  /** What is done with a connection; it is closed when this ends. */
  public interface Conduct {
    void with(Socket socket) throws Exception;
  }

  private final ServerSocket server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final Conduct conduct;

  private RawServer(ServerSocket server, Conduct conduct) {
    this.server = server;
    this.conduct = conduct;
    threads.submit(this::accept);
  }

  public static RawServer start(Conduct conduct) throws IOException {
    return start(ServerSocketFactory.getDefault(), conduct);
  }

  /**
   * @param sockets may speak TLS
   */
  public static RawServer start(ServerSocketFactory sockets, Conduct conduct) throws IOException {
    return new RawServer(
        sockets.createServerSocket(0, 500, InetAddress.getLoopbackAddress()), conduct);
  }

  /** Answers every request, over and over on one connection, with these bytes. */
  public static RawServer answering(String head) throws IOException {
    return start(
        socket -> {
          while (readRequest(socket) != null) {
            send(socket, head);
          }
        });
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = server.accept();
        open.add(socket);
        threads.submit(() -> serve(socket));
      }
    } catch (IOException closed) {
      // the test is over
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      conduct.with(socket);
    } catch (Exception gone) {
      // whoever asked has gone, or the test is over
    } finally {
      open.remove(socket);
    }
  }

  /**
   * @return its head, in ISO 8859-1, its body read; null if there is none
   */
  public static String readRequest(Socket socket) throws IOException {
    InputStream in = socket.getInputStream();
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        return null;
      }
      head.append((char) next);
    }
    head.toString()
        .lines()
        .filter(line -> line.toLowerCase().startsWith("content-length:"))
        .findFirst()
        .ifPresent(
            line -> {
              try {
                in.readNBytes(Integer.parseInt(line.split(":")[1].strip()));
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            });
    return head.toString();
  }

  public static void send(Socket socket, String text) throws IOException {
    OutputStream out = socket.getOutputStream();
    out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    out.flush();
  }

  /** The same bytes again and again, until nobody takes them. */
  public static void repeat(Socket socket, String text, long pauseMillis) throws Exception {
    while (true) {
      send(socket, text);
      if (pauseMillis > 0) {
        TimeUnit.MILLISECONDS.sleep(pauseMillis);
      }
    }
  }

  /** Notes what was asked; for conducts that want to tell. */
  public void note(String request) {
    requests.add(request);
  }

  public List<String> requests() {
    return List.copyOf(requests);
  }

  public int connections() {
    return open.size();
  }

  public int port() {
    return server.getLocalPort();
  }

  public String url() {
    return "http://127.0.0.1:" + port() + "/webhook";
  }

  @Override
  public void close() {
    try {
      server.close();
      for (Socket socket : open) {
        socket.close();
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } finally {
      threads.shutdownNow();
    }
  }
}
