package torture.agent;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import net.bytebuddy.asm.Advice;

/**
 * A place before or after a step of the pipeline where a worker goes wrong, once. The file {@code
 * armed} says where and how: {@code <class>.<method> before|after halt|throw|hang <n>}, at the n-th
 * time it is reached. It is renamed to {@code fired} when that happens.
 */
public final class Failpoint {
  /** For a hanging worker: its pid, until the file is removed. */
  public static final String HANGING = "hanging";

  private static Path directory;
  private static String counted = "";
  private static int hits;

  private Failpoint() {}

  /** Every step, by class: ledger writes, Redis commands, programs, webhook, clean-up. */
  public static Map<String, List<String>> steps() {
    return Map.ofEntries(
        Map.entry(
            "routes.ledger.Admission",
            List.of("enterNew", "enterAgain", "failShopRow", "enrol", "endWaiting")),
        Map.entry(
            "routes.ledger.Ledger",
            List.of(
                "claim",
                "downloaded",
                "manifest",
                "uploaded",
                "done",
                "tryFailed",
                "bury",
                "handBack",
                "startOver")),
        Map.entry(
            "routes.ledger.Workers", List.of("enlist", "renew", "takeOver", "abandon", "retire")),
        Map.entry("routes.queue.RedisListConsumer", List.of("take", "accepted", "refused")),
        Map.entry(
            "routes.bullmq.BullQueue",
            List.of(
                "take",
                "extend",
                "hold",
                "progress",
                "complete",
                "fail",
                "retry",
                "delay",
                "freeStalled")),
        Map.entry("routes.ledger.BullBook", List.of("taken", "held", "told", "forget")),
        Map.entry("routes.BullIntake", List.of("enter")),
        Map.entry("routes.queue.RedisBellComponent$BellConsumer", List.of("take")),
        Map.entry("routes.queue.Bell", List.of("ringAgain")),
        Map.entry("routes.queue.RejectedList", List.of("add")),
        Map.entry("routes.queue.ClaimedLists", List.of("drain")),
        Map.entry("routes.queue.News", List.of("publish")),
        Map.entry("routes.EnrolmentRoute", List.of("wake")),
        Map.entry("routes.command.ProgramRunner", List.of("start", "watch", "endLeftBehind")),
        Map.entry("routes.job.Sandbox", List.of("create", "delete")),
        Map.entry("routes.webhook.WebhookRequest", List.of("process")),
        Map.entry("routes.webhook.WebhookAnswer", List.of("process")));
  }

  static void watch(Path where) {
    directory = where;
  }

  /** Copied into the methods of {@link #steps()}. */
  public static final class Step {
    private Step() {}

    @Advice.OnMethodEnter
    public static void enter(@Advice.Origin("#t.#m") String step) {
      Failpoint.reach(step, "before");
    }

    /** Only after a step that gave something: a consumer asks many times for nothing. */
    @Advice.OnMethodExit
    public static void exit(
        @Advice.Origin("#t.#m") String step,
        @Advice.Origin("#r") String type,
        @Advice.Return(
                typing = net.bytebuddy.implementation.bytecode.assign.Assigner.Typing.DYNAMIC)
            Object result) {
      if (result != null || type.equals("void")) {
        Failpoint.reach(step, "after");
      }
    }
  }

  /** Called by the woven code. */
  public static void reach(String step, String when) {
    String armed;
    try {
      armed = Files.readString(directory.resolve("armed")).strip();
    } catch (IOException notArmed) {
      return;
    }
    String[] words = armed.split(" ");
    if (words.length < 4 || !words[0].equals(step) || !words[1].equals(when)) {
      return;
    }
    if (!isTheOne(armed, Integer.parseInt(words[3]))) {
      return;
    }
    try {
      Files.move(directory.resolve("armed"), directory.resolve("fired"));
    } catch (NoSuchFileException anotherProcessWasFaster) {
      return;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    switch (words[2]) {
      case "halt" -> Runtime.getRuntime().halt(137);
      case "throw" -> throw new IllegalStateException("failpoint " + armed);
      default -> hang();
    }
  }

  private static synchronized boolean isTheOne(String armed, int n) {
    hits = armed.equals(counted) ? hits + 1 : 1;
    counted = armed;
    return hits == n;
  }

  private static void hang() {
    Path hanging = directory.resolve(HANGING);
    try {
      Path written = directory.resolve(HANGING + ".new");
      Files.writeString(written, String.valueOf(ProcessHandle.current().pid()));
      Files.move(written, hanging);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    while (Files.exists(hanging)) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }
}
