package servers;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A small web server with sample courses, with range support: {@code /course/<name>/} lists a
 * course's files, a line each with its size. The content of a file is a function of its name.
 * {@code /course/<name>-breaks/} breaks off once.
 */
public final class CourseServer implements AutoCloseable {
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-");
  private static final int CHUNK = 64 * 1024;

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final int fileBytes;
  private final long bytesPerSecond;
  private final AtomicInteger breaksLeft = new AtomicInteger(1);

  private CourseServer(HttpServer server, int fileBytes, long bytesPerSecond) {
    this.bytesPerSecond = bytesPerSecond;
    this.server = server;
    this.fileBytes = fileBytes;
  }

  /**
   * @param fileBytes size of the largest file of a course
   * @param bytesPerSecond how fast each download is
   */
  public static CourseServer start(int fileBytes, long bytesPerSecond) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    CourseServer courses = new CourseServer(server, fileBytes, bytesPerSecond);
    server.createContext("/course/", courses::serve);
    server.setExecutor(courses.threads);
    server.start();
    return courses;
  }

  public String url(String course) {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/course/" + course + "/";
  }

  /** Name and size of every file of every course. */
  public Map<String, Integer> files() {
    Map<String, Integer> files = new LinkedHashMap<>();
    files.put("01 Giới thiệu.mp4", fileBytes);
    files.put("02 Bài học/video.mp4", fileBytes / 2);
    files.put("02 Bài học/notes.txt", 1000);
    files.put("readme.txt", 500);
    return files;
  }

  /** What the file of this name holds. */
  public static byte[] content(String name, int size) {
    byte[] bytes = new byte[size];
    new Random(name.hashCode()).nextBytes(bytes);
    return bytes;
  }

  private void serve(HttpExchange exchange) throws IOException {
    String[] path = exchange.getRequestURI().getPath().substring("/course/".length()).split("/", 2);
    if (path.length < 2 || path[1].isEmpty()) {
      StringBuilder listing = new StringBuilder();
      files()
          .forEach(
              (name, size) ->
                  listing
                      .append(size)
                      .append(' ')
                      .append(URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20"))
                      .append(' ')
                      .append(name)
                      .append('\n'));
      byte[] bytes = listing.toString().getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(200, bytes.length);
      exchange.getResponseBody().write(bytes);
      exchange.close();
      return;
    }
    Integer size = files().get(path[1]);
    if (size == null) {
      exchange.sendResponseHeaders(404, -1);
      exchange.close();
      return;
    }
    send(exchange, content(path[1], size), path[0].endsWith("-breaks"));
  }

  private void send(HttpExchange exchange, byte[] content, boolean breaks) throws IOException {
    int from = 0;
    String range = exchange.getRequestHeaders().getFirst("Range");
    Matcher matcher = RANGE.matcher(range == null ? "" : range);
    if (matcher.matches()) {
      from = Math.min(content.length, Integer.parseInt(matcher.group(1)));
      exchange
          .getResponseHeaders()
          .set(
              "Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
    }
    int length = content.length - from;
    exchange.sendResponseHeaders(from > 0 ? 206 : 200, length == 0 ? -1 : length);
    boolean breakNow = breaks && from == 0 && breaksLeft.getAndDecrement() > 0;
    try (OutputStream out = exchange.getResponseBody()) {
      int until = breakNow ? content.length / 2 : content.length;
      for (int at = from; at < until; at += CHUNK) {
        out.write(content, at, Math.min(CHUNK, until - at));
        LockSupport.parkNanos(CHUNK * 1_000_000_000L / bytesPerSecond);
      }
      if (breakNow) {
        out.flush();
        throw new IOException("breaks off half way, as it was told to");
      }
    } finally {
      exchange.close();
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
