package torture;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import routes.job.Sandbox;
import routes.monitoring.LogFiles;

/**
 * {@code ./waybill torture}: real workers on one queue, everything that can go wrong, and a checker
 * that looks from outside.
 */
public final class Torture {
  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final String USAGE =
      """
      usage: ./waybill torture [--jobs N] [--kills N] [--seed N] [--minutes N] [--source list|bullmq|list,bullmq]
                               [--beside]
             ./waybill torture --failpoints [--source list|bullmq] [--only TEXT]
             ./waybill torture --self-test [--source list|bullmq|list,bullmq] [--only TEXT]

        --kills       workers killed with -9; other faults come in proportion, a hundred to 45
        --source      where the jobs come from; with both, in turn
        --beside      a worker in Node, the real BullMQ, is on the BullMQ queue too
        --failpoints  every step of the pipeline x halt, throw, hang, one run each
        --self-test   takes the guards away one by one: the checker must notice each""";

  private Torture() {}

  public static void main(String[] arguments) throws Exception {
    LogFiles.silence();
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    Map<String, String> options = new LinkedHashMap<>();
    List<String> flags = List.of("--failpoints", "--self-test", "--beside");
    List<String> known = List.of("--jobs", "--kills", "--seed", "--minutes", "--source", "--only");
    List<String> sources = List.of("list", "bullmq", "list,bullmq");
    for (int i = 0; i < arguments.length; i++) {
      if (flags.contains(arguments[i])) {
        options.put(arguments[i], "");
      } else if (known.contains(arguments[i]) && i + 1 < arguments.length) {
        options.put(arguments[i], arguments[++i]);
      } else {
        System.err.println(USAGE);
        System.exit(2);
      }
    }
    String source = options.getOrDefault("--source", "list");
    if (!sources.contains(source)) {
      System.err.println("--source: expected one of " + sources + ", found '" + source + "'");
      System.exit(2);
    }
    if (options.containsKey("--beside") && source.equals("list")) {
      System.err.println("--beside: expected a BullMQ queue, found --source list");
      System.exit(2);
    }
    boolean well;
    if (options.containsKey("--failpoints")) {
      if (source.contains(",")) {
        System.err.println("--source: expected list or bullmq, found '" + source + "'");
        System.exit(2);
      }
      well =
          new Failpoints(directory("failpoints"), source, out)
              .run(options.getOrDefault("--only", ""));
    } else if (options.containsKey("--self-test")) {
      well =
          new SelfTest(directory("self-test"), source, out).run(options.getOrDefault("--only", ""));
    } else {
      well =
          run(
              number(options, "--jobs", 2000),
              number(options, "--kills", 90),
              number(options, "--seed", 1),
              Duration.ofMinutes(number(options, "--minutes", 12)),
              source,
              options.containsKey("--beside"),
              out);
    }
    System.exit(well ? 0 : 1);
  }

  /**
   * @param source of the jobs: list, bullmq, or both
   * @param beside whether a worker in Node is on the BullMQ queue too
   * @return whether nothing was lost, doubled, early or left behind
   */
  static boolean run(
      int jobs,
      int kills,
      long seed,
      Duration length,
      String source,
      boolean beside,
      PrintStream out)
      throws Exception {
    Path directory = directory("seed-" + seed);
    List<String> violations =
        new Run(
                jobs,
                seed,
                length,
                PATIENCE,
                Fault.schedule(seed, kills),
                "",
                source,
                beside,
                directory,
                out)
            .run();
    if (violations.isEmpty()) {
      new Sandbox(directory).delete();
    } else {
      out.println("schedule, history and logs are kept: " + directory);
    }
    return violations.isEmpty();
  }

  static Path directory(String name) {
    return Path.of("target", "torture", name + "-" + ProcessHandle.current().pid());
  }

  private static int number(Map<String, String> options, String name, int otherwise) {
    try {
      return Integer.parseInt(options.getOrDefault(name, String.valueOf(otherwise)));
    } catch (NumberFormatException e) {
      System.err.println(name + ": expected a whole number, found '" + options.get(name) + "'");
      System.exit(2);
      throw e;
    }
  }
}
