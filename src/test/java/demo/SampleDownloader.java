package demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * The demo's downloader, a program of its own: {@code -c <courseUrl> -o <sandbox>}. It fetches a
 * sample course over HTTP, prints percentages, and goes on where it stopped when it is started
 * again in the same sandbox.
 */
public final class SampleDownloader {
  private static final int CHUNK = 64 * 1024;

  private final HttpClient http = HttpClient.newHttpClient();
  private long total;
  private long done;
  private int told = -1;

  private record Remote(long size, URI address, String name) {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 4 || !arguments[0].equals("-c") || !arguments[2].equals("-o")) {
      System.err.println("usage: sample-downloader -c <courseUrl> -o <sandbox>");
      System.exit(2);
    }
    try {
      new SampleDownloader().fetch(arguments[1], Path.of(arguments[3]));
    } catch (IOException e) {
      System.err.println("broken off: " + e.getMessage());
      System.exit(1);
    }
  }

  private void fetch(String course, Path sandbox)
      throws IOException, InterruptedException, URISyntaxException {
    String[] parts = course.split("/");
    Path folder = sandbox.resolve("Khoá học " + parts[parts.length - 1]);
    List<Remote> files = list(course);
    total = files.stream().mapToLong(Remote::size).sum();
    for (Remote file : files) {
      Path target = folder.resolve(file.name()).normalize();
      if (!target.startsWith(folder)) {
        throw new IOException("a name that leads outside: " + file.name());
      }
      Files.createDirectories(target.getParent());
      if (Files.exists(target)) {
        advance(file.size());
      } else {
        fetch(file, target);
      }
    }
  }

  private List<Remote> list(String course)
      throws IOException, InterruptedException, URISyntaxException {
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(new URI(course)).build(),
            HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    if (answer.statusCode() != 200) {
      throw new IOException(course + " answered " + answer.statusCode());
    }
    List<Remote> files = new ArrayList<>();
    for (String line : answer.body().split("\n")) {
      String[] fields = line.split(" ", 3);
      files.add(new Remote(Long.parseLong(fields[0]), new URI(course + fields[1]), fields[2]));
    }
    return files;
  }

  private void fetch(Remote file, Path target) throws IOException, InterruptedException {
    Path part = target.resolveSibling(target.getFileName() + ".part");
    long have = Files.exists(part) ? Files.size(part) : 0;
    if (have > 0) {
      System.out.println("going on at byte " + have + " of " + file.name());
      advance(have);
    }
    HttpResponse<InputStream> answer =
        http.send(
            HttpRequest.newBuilder(file.address()).header("Range", "bytes=" + have + "-").build(),
            HttpResponse.BodyHandlers.ofInputStream());
    if (answer.statusCode() != 200 && answer.statusCode() != 206) {
      throw new IOException(file.name() + " answered " + answer.statusCode());
    }
    try (InputStream in = answer.body();
        OutputStream out =
            Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      byte[] buffer = new byte[CHUNK];
      int read;
      while ((read = in.read(buffer)) > 0) {
        out.write(buffer, 0, read);
        advance(read);
      }
    }
    if (Files.size(part) != file.size()) {
      throw new IOException(file.name() + " is not whole");
    }
    Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
  }

  private void advance(long bytes) {
    done += bytes;
    int percent = (int) (100 * done / total);
    if (percent != told) {
      told = percent;
      System.out.println(percent + "%");
    }
  }
}
