package torture;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import routes.command.ProcessTree;
import servers.Shop;
import servers.WebhookReceiver.Call;

/** Stands outside the workers, knows what was asked for, and looks at what came of it. */
final class Checker {
  private static final Duration SWEPT_WITHIN = Duration.ofSeconds(45);
  private static final ObjectMapper JSON = new ObjectMapper();

  /** How a task has to end. */
  enum End {
    DELIVERED("completed"),
    FAILED("failed");

    private final String status;

    End(String status) {
      this.status = status;
    }
  }

  private final Fleet fleet;
  private final Shop shop;
  private final long seed;
  private final FileChannel journal;
  private final List<String> violations = Collections.synchronizedList(new ArrayList<>());
  private final Map<Long, Integer> deliveries = new ConcurrentHashMap<>();
  private final Map<String, String> userOfOwner = new HashMap<>();

  Checker(Fleet fleet, long seed) throws IOException {
    this.fleet = fleet;
    this.shop = fleet.shop();
    this.seed = seed;
    this.journal =
        FileChannel.open(
            shop.directory().resolve("webhooks.jsonl"),
            StandardOpenOption.CREATE,
            StandardOpenOption.APPEND);
    shop.webhook().onCall(this::receive);
  }

  List<String> violations() {
    return List.copyOf(violations);
  }

  void violated(String what) {
    violations.add(what);
  }

  /** The task is to be delivered so many times: its row was set back in between. */
  void expectDeliveries(long taskId, int times) {
    deliveries.put(taskId, times);
  }

  /** Written to the disk before the answer: what the receiver has said it has is not forgotten. */
  private synchronized void receive(Call call) {
    try {
      String line =
          JSON.writeValueAsString(
              Map.of("task", call.taskId(), "id", call.id(), "folder", call.folder()));
      journal.write(StandardCharsets.UTF_8.encode(line + "\n"));
      journal.force(false);
    } catch (IOException e) {
      violated("the receiver could not write: " + e);
    }
    Map<String, String> there = delivered(call.taskId());
    if (!there.equals(expected(call.taskId()))) {
      violated("task " + call.taskId() + ": its webhook came before its files: " + there.keySet());
    }
  }

  /** By path. */
  Map<String, String> expected(long taskId) {
    return Map.of(
        "a.txt",
        seed + " first of " + taskId + "\n",
        "phần 1/b.txt",
        (seed + " second of " + taskId + "\n").repeat(2000),
        "-c.txt",
        "");
  }

  private static String folder(long taskId) {
    return "Khóa học " + taskId;
  }

  private Path remote() {
    return remote(shop);
  }

  static Path remote(Shop shop) {
    return shop.drive().content().resolve("deliveries");
  }

  private Map<String, String> delivered(long taskId) {
    try {
      return Shop.tree(remote().resolve(folder(taskId)));
    } catch (IOException e) {
      return Map.of("unreadable", e.toString());
    }
  }

  void task(long taskId, End end) throws Exception {
    String status = shop.status(taskId);
    if (!end.status.equals(status)) {
      violated(
          "task "
              + taskId
              + ": expected "
              + end.status
              + ", found "
              + status
              + ", "
              + shop.ledger("last_error", taskId));
      return;
    }
    List<Call> calls = shop.webhook().calls(taskId);
    if (end == End.DELIVERED) {
      awaitSweep(taskId);
    }
    boolean sandbox = Files.exists(shop.sandbox(taskId));
    if (end == End.FAILED) {
      expect(taskId, calls.isEmpty(), "a failed task has a webhook");
      expect(taskId, sandbox, "a failed task has no sandbox");
      expect(taskId, delivered(taskId).isEmpty(), "a failed task has files at the remote");
      return;
    }
    expect(
        taskId,
        delivered(taskId).equals(expected(taskId)),
        "its files are not right: " + delivered(taskId).keySet());
    expect(taskId, !calls.isEmpty(), "no webhook");
    expect(
        taskId,
        calls.stream().map(Call::id).distinct().count() == deliveries.getOrDefault(taskId, 1),
        "its webhooks carry different ids: " + calls.stream().map(Call::id).distinct().toList());
    expect(
        taskId,
        calls.stream().map(Call::folder).distinct().count() == 1,
        "its webhooks differ in content");
    expect(taskId, calls.stream().allMatch(Call::signed), "a webhook with a wrong signature");
    expect(taskId, !sandbox, "a delivered task has a sandbox");
  }

  /** One who was frozen just before makes a sandbox when it thaws; the sweep is to find it. */
  private void awaitSweep(long taskId) throws InterruptedException {
    long deadline = System.nanoTime() + SWEPT_WITHIN.toNanos();
    while (leavesSandbox(taskId, End.DELIVERED) && System.nanoTime() < deadline) {
      TimeUnit.MILLISECONDS.sleep(100);
    }
  }

  /** Whether a delivered task still has a sandbox: a sweep removes one that came too late. */
  boolean leavesSandbox(long taskId, End end) {
    return end == End.DELIVERED && Files.exists(shop.sandbox(taskId));
  }

  private void expect(long taskId, boolean condition, String fault) {
    if (!condition) {
      violated("task " + taskId + ": " + fault);
    }
  }

  /** Nothing but what was ordered has arrived. */
  void nothingElseAtTheRemote(Iterable<Long> delivered) throws IOException {
    TreeSet<String> folders = new TreeSet<>();
    if (Files.isDirectory(remote())) {
      try (Stream<Path> entries = Files.list(remote())) {
        entries.forEach(entry -> folders.add(entry.getFileName().toString()));
      }
    }
    delivered.forEach(taskId -> folders.remove(folder(taskId)));
    if (!folders.isEmpty()) {
      violated("more at the remote than was ordered: " + folders);
    }
  }

  /** To be asked when the workers have stopped. */
  void nothingLeft() throws IOException {
    programs().forEach(left -> violated("a program is left: " + left));
    TreeSet<String> keys = keys();
    if (!keys.isEmpty()) {
      violated("left in Redis: " + keys);
    }
    noOverlaps();
  }

  /** What runs in the sandboxes: process id, age, command line. */
  List<String> programs() {
    return ProcessTree.marked(mark -> mark.startsWith(shop.staging().toString())).stream()
        .filter(ProcessTree::runs)
        .map(
            program ->
                program.pid()
                    + " since "
                    + program.info().startInstant().orElse(null)
                    + ": "
                    + program.info().commandLine().orElse("?"))
        .toList();
  }

  TreeSet<String> keys() {
    TreeSet<String> keys = new TreeSet<>(shop.waybillKeys());
    keys.remove("waybill:rejected");
    return keys;
  }

  void noOverlaps() throws IOException {
    Path overlaps = fleet.notes().resolve("overlaps");
    if (Files.exists(overlaps)) {
      for (String overlap : Files.readAllLines(overlaps)) {
        violated("two programs at once: " + overlap);
      }
      Files.delete(overlaps);
    }
  }

  /**
   * Looks at the next changes. Tokens only grow, and nobody writes about a running job but its
   * owner, or whoever takes it over.
   *
   * @return how many writes came from somebody else
   */
  int history(List<LedgerHistory.Change> changes) throws SQLException {
    int foreign = 0;
    for (LedgerHistory.Change change : changes) {
      if (change.newToken() < change.oldToken()) {
        violated("task " + change.taskId() + ": its token shrank");
      }
      if (change.newOwner() != null && !change.newOwner().equals(change.oldOwner())) {
        userOfOwner.put(change.newOwner(), change.writer());
      }
      if ("running".equals(change.oldState())
          && !change.isTakeover()
          && !change.writer().equals(userOfOwner.get(change.oldOwner()))) {
        foreign++;
        violated(
            "task "
                + change.taskId()
                + ": "
                + change.writer()
                + " wrote with an old token: "
                + change);
      }
    }
    return foreign;
  }

  /** Writes what was found beside the logs. */
  void keep(List<LedgerHistory.Change> changes) throws IOException {
    Files.write(
        shop.directory().resolve("ledger-history.txt"),
        changes.stream().map(LedgerHistory.Change::toString).toList());
    Files.write(shop.directory().resolve("violations.txt"), violations);
  }
}
