package routes.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import fuzz.Hostile;
import fuzz.Property;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import routes.job.Manifest;

/** What must hold of what programs print, and of what the kernel says about them. */
public final class OutputProperties {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final BigInteger HUNDRED = BigInteger.valueOf(100);

  private OutputProperties() {}

  public static List<Property> all() {
    return List.of(
        new Property("rclone-progress", OutputProperties::rclone),
        new Property("rclone-progress-hostile", OutputProperties::rcloneHostile),
        new Property("percent-progress", OutputProperties::percent),
        new Property("rclone-listing", OutputProperties::listing),
        new Property("rclone-listing-hostile", OutputProperties::listingHostile),
        new Property("process-mark", OutputProperties::mark));
  }

  /** The share that is told is the one that numbers without limits give; none of absurd sizes. */
  private static void rclone(Hostile input) {
    long total = 1 + Math.floorMod(input.number(), Long.MAX_VALUE);
    long bytes = input.chance(80) ? Math.floorMod(input.number(), total) : total;
    String file = input.fileName();
    List<Integer> told = new ArrayList<>();
    List<String> files = new ArrayList<>();
    RcloneProgress progress =
        new RcloneProgress(
            (percent, name) -> {
              told.add(percent);
              files.add(name);
            });

    progress.line(
        "{\"level\":\"notice\",\"stats\":{\"bytes\":"
            + bytes
            + ",\"totalBytes\":"
            + total
            + ",\"transferring\":[{\"name\":"
            + input.quoted(file)
            + "}]}}");

    int expected =
        BigInteger.valueOf(bytes).multiply(HUNDRED).divide(BigInteger.valueOf(total)).intValue();
    boolean absurd = total > Long.MAX_VALUE / 100;
    assertEquals(absurd ? List.of() : List.of(expected), told, bytes + " of " + total);
    assertEquals(absurd ? List.of() : List.of(file), files);
  }

  /** Whatever a line holds, what is told is a percentage. */
  private static void rcloneHostile(Hostile input) {
    RcloneProgress progress =
        new RcloneProgress(
            (percent, file) -> assertTrue(percent >= 0 && percent <= 100, "" + percent));
    for (int i = 1 + input.below(3); i > 0; i--) {
      String stats =
          "{\"stats\":{\"bytes\":"
              + input.of(String.valueOf(input.number()), input.json(1))
              + ",\"totalBytes\":"
              + input.of(String.valueOf(input.number()), input.json(1))
              + ",\"transferring\":"
              + input.json(2)
              + "}}";
      progress.line(
          switch (input.below(4)) {
            case 0 -> input.text();
            case 1 -> "{\"stats\":" + "[".repeat(input.below(3000)) + input.text();
            default -> input.chance(30) ? input.mutated(stats) : stats;
          });
    }
  }

  /** The last percentage of a line, found again by going through it backwards. */
  private static void percent(Hostile input) {
    StringBuilder line = new StringBuilder();
    for (int i = input.below(6); i >= 0; i--) {
      line.append(
          input.of(
              input.text(),
              input.below(130) + input.of("%", " %", ".5%", "..%", "% ", "\t%"),
              input.number() + "%"));
    }
    List<Integer> told = new ArrayList<>();
    PercentProgress progress = new PercentProgress(told::add);

    progress.line(line.toString());
    progress.line(line.toString());

    assertTrue(told.size() <= 1, "told twice");
    int expected = lastPercent(line.toString());
    assertEquals(expected >= 0 && expected <= 100 ? List.of(expected) : List.of(), told, "" + line);
  }

  private static int lastPercent(String line) {
    for (int at = line.lastIndexOf('%'); at >= 0; at = line.lastIndexOf('%', at - 1)) {
      int end = at;
      if (end > 0 && " \t\n\u000b\f\r".indexOf(line.charAt(end - 1)) >= 0) {
        end--;
      }
      int start = digitsBefore(line, end);
      if (start < end && start > 0 && line.charAt(start - 1) == '.') {
        end = start - 1;
        start = digitsBefore(line, end);
      }
      boolean stands = start == 0 || line.charAt(start - 1) != '.';
      if (end - start >= 1 && end - start <= 3 && stands) {
        return Integer.parseInt(line.substring(start, end));
      }
    }
    return -1;
  }

  private static int digitsBefore(String line, int end) {
    int start = end;
    while (start > 0 && line.charAt(start - 1) >= '0' && line.charAt(start - 1) <= '9') {
      start--;
    }
    return start;
  }

  /** All that the remote lists is found again, and nothing is missing that is there. */
  private static void listing(Hostile input) throws IOException {
    String hash = input.of("md5", null);
    Map<String, Manifest.Entry> files = new HashMap<>();
    List<String> entries = new ArrayList<>();
    for (int i = input.below(6); i > 0; i--) {
      String path = input.fileName() + input.of("", "/" + input.fileName());
      long size = input.number() & Long.MAX_VALUE;
      String digest = hash == null ? null : input.word(30);
      if (files.putIfAbsent(path, new Manifest.Entry(path, size, digest)) == null) {
        entries.add(
            "{\"Path\":"
                + input.quoted(path)
                + ",\"Name\":\"x\",\"Size\":"
                + size
                + (digest == null ? "" : ",\"Hashes\":{\"md5\":\"" + digest + "\"}")
                + ",\"IsDir\":false}");
      }
    }

    Map<String, Manifest.Entry> there =
        RcloneBinding.listing(JSON.readTree("[" + String.join(",\n", entries) + "]"), hash);

    assertEquals(files, there);
    Manifest manifest = new Manifest(hash, List.copyOf(files.values()));
    assertEquals(List.of(), manifest.missingFrom(there));
  }

  /** Another listing is unreadable, or lists files; nothing else happens. */
  private static void listingHostile(Hostile input) throws IOException {
    String text =
        input.mutated(
            input.of("[{\"Path\":\"a\",\"Size\":1,\"Hashes\":{\"md5\":\"x\"}}]", input.json(4)));
    try {
      RcloneBinding.listing(JSON.readTree(text.getBytes(StandardCharsets.UTF_8)), "md5")
          .forEach((path, entry) -> assertEquals(path, entry.path()));
    } catch (JsonProcessingException unreadable) {
      // told as such
    }
  }

  /** The mark is found wherever it stands, and nothing else is taken for it. */
  private static void mark(Hostile input) throws IOException {
    ByteArrayOutputStream environment = new ByteArrayOutputStream();
    String mark = ProcessTree.mark(Path.of("/" + input.fileName()), input.number());
    boolean marked = input.chance(60);
    int at = input.below(4);
    for (int i = 0; i < 4; i++) {
      if (marked && i == at) {
        environment.write((ProcessTree.MARK + "=" + mark + "\0").getBytes(StandardCharsets.UTF_8));
      }
      switch (input.below(5)) {
        case 0 ->
            environment.write(("X" + ProcessTree.MARK + "=no\0").getBytes(StandardCharsets.UTF_8));
        case 1 ->
            environment.write(
                ("A= " + ProcessTree.MARK + "=no\0").getBytes(StandardCharsets.UTF_8));
        case 2 -> environment.write((ProcessTree.MARK + "S=no\0").getBytes(StandardCharsets.UTF_8));
        case 3 -> environment.write((ProcessTree.MARK + "\0").getBytes(StandardCharsets.UTF_8));
        default -> {
          environment.write('x');
          environment.write(input.bytes(40));
          environment.write(0);
        }
      }
    }

    assertEquals(marked ? mark : "", ProcessTree.markIn(environment.toByteArray()));
  }
}
