package guards;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * {@code ./waybill guards}: is each test worth anything? In a copy of the checkout each guard of
 * {@code guards.txt} is taken away in turn, and the test that shows it has to go red.
 */
public final class Guards {
  static final Path LIST = Path.of("src/test/resources/guards.txt");
  private static final Path COPY = Path.of("target", "guards").toAbsolutePath();

  /**
   * @param take text that is in the file exactly once
   * @param test a class, or {@code class#method}
   */
  record Guard(String guard, Path file, String take, String give, String test) {
    /** The file without the guard. */
    String without(Path root) throws IOException {
      String text = Files.readString(root.resolve(file));
      int at = text.indexOf(take);
      if (at < 0 || text.indexOf(take, at + 1) >= 0) {
        throw new IOException(guard + ": expected '" + take + "' once in " + file);
      }
      return text.substring(0, at) + give + text.substring(at + take.length());
    }
  }

  private Guards() {}

  static List<Guard> all() throws IOException {
    List<Guard> guards = new ArrayList<>();
    for (String block : Files.readString(LIST).split("\n\\s*\n")) {
      Map<String, String> fields = new LinkedHashMap<>();
      block
          .lines()
          .filter(line -> !line.startsWith("#"))
          .forEach(line -> fields.put(line.split(":", 2)[0], line.split(":", 2)[1].strip()));
      if (!fields.isEmpty()) {
        guards.add(
            new Guard(
                fields.get("guard"),
                Path.of(fields.get("file")),
                fields.get("take"),
                fields.get("give"),
                fields.get("test")));
      }
    }
    return guards;
  }

  /**
   * Exit code 0 if every test went red without its guard, and green with it.
   *
   * @param arguments part of the guards' names, or nothing for all
   */
  public static void main(String[] arguments) throws Exception {
    String only = arguments.length == 0 ? "" : arguments[0];
    copy();
    boolean well = true;
    List<Guard> chosen = all().stream().filter(one -> one.guard().contains(only)).toList();
    String tests = String.join(",", chosen.stream().map(Guard::test).distinct().toList());
    boolean green =
        maven("resources:resources", "compiler:compile") == 0
            && maven("surefire:test", "-Dtest=" + tests) == 0;
    System.out.println(green ? "with all guards: green" : "with all guards: NOT GREEN");
    for (Guard guard : chosen) {
      long began = System.nanoTime();
      Path file = COPY.resolve(guard.file());
      String whole = Files.readString(file);
      Files.writeString(file, guard.without(COPY));
      String found;
      if (maven("resources:resources", "compiler:compile") != 0) {
        found = "DOES NOT COMPILE";
      } else {
        found = maven("surefire:test", "-Dtest=" + guard.test()) == 0 ? "GREEN" : "red";
      }
      Files.writeString(file, whole);
      well &= found.equals("red");
      System.out.printf(
          "%-16s %3d s  %s (%s)%n",
          found, (System.nanoTime() - began) / 1_000_000_000, guard.guard(), guard.test());
    }
    System.exit(well && green && !chosen.isEmpty() ? 0 : 1);
  }

  private static int maven(String... arguments) throws Exception {
    String maven = System.getenv().getOrDefault("MAVEN", "mvn");
    List<String> command = new ArrayList<>(List.of(maven, "-B", "-q", "-o", "-DforkCount=1"));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command)
        .directory(COPY.toFile())
        .redirectErrorStream(true)
        .redirectOutput(COPY.resolve("log").toFile())
        .start()
        .waitFor();
  }

  /** All but the history and what is fetched; what is compiled already goes along. */
  private static void copy() throws IOException {
    Path npm = Path.of(".tools", "npm");
    if (Files.isDirectory(npm) && !Files.exists(COPY.resolve(npm))) {
      Files.createDirectories(COPY.resolve(npm).getParent());
      Files.createSymbolicLink(COPY.resolve(npm), npm.toAbsolutePath());
    }
    for (String name :
        List.of("pom.xml", "src", "docs", "deploy", "target/classes", "target/test-classes")) {
      try (Stream<Path> files = Files.walk(Path.of(name))) {
        for (Path from : (Iterable<Path>) files::iterator) {
          Path to = COPY.resolve(from);
          if (Files.isDirectory(from)) {
            Files.createDirectories(to);
          } else {
            Files.createDirectories(to.getParent());
            Files.copy(
                from, to, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
          }
        }
      }
    }
  }
}
