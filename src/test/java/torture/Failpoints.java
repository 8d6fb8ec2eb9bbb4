package torture;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import routes.job.Sandbox;
import servers.LocalProcess;
import servers.Shop;
import torture.agent.Failpoint;

/**
 * Every step of the pipeline, before and after, with a worker that is halted there, fails there, or
 * hangs there for twice its lease: one run each, and each has to end right.
 */
final class Failpoints {
  private static final List<String> HOWS = List.of("halt", "throw", "hang");
  private static final List<String> WHENS = List.of("before", "after");
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** As many shops with their workers work through the list side by side. */
  private static final int LANES = 2;

  /**
   * What has to happen for a step to be reached.
   *
   * @param arrange brings a task to the point before it; gives its id
   * @param go on from there
   */
  private record Scene(Arrange arrange, Go go, Checker.End end) {
    interface Arrange {
      long on(Lane lane) throws Exception;
    }

    interface Go {
      void on(Lane lane, long taskId) throws Exception;
    }
  }

  /**
   * @param nth time that the step is reached
   */
  private record Case(String step, String when, String how, int nth, Scene scene) {
    String armed() {
      return step + " " + when + " " + how + " " + nth;
    }

    @Override
    public String toString() {
      return step.substring(step.lastIndexOf('.', step.lastIndexOf('.') - 1) + 1)
          + (nth > 1 ? " (" + nth + ")" : "")
          + " "
          + when
          + " "
          + how;
    }
  }

  private static final Scene ORDINARY =
      new Scene(
          lane -> lane.task("enrolled", "ok"),
          (lane, taskId) -> lane.push(taskId, "ok"),
          Checker.End.DELIVERED);
  private static final Scene FAILS_ONCE =
      new Scene(
          lane -> lane.task("enrolled", "fails-once"),
          (lane, taskId) -> lane.push(taskId, "fails-once"),
          Checker.End.DELIVERED);
  private static final Scene FAILS_ALWAYS =
      new Scene(
          lane -> lane.task("enrolled", "fails-always"),
          (lane, taskId) -> lane.push(taskId, "fails-always"),
          Checker.End.FAILED);
  private static final Scene ENROLLED_LATER =
      new Scene(
          lane -> lane.waiting("ok"),
          (lane, taskId) -> lane.shop.setStatus(taskId, "enrolled"),
          Checker.End.DELIVERED);
  private static final Scene WOKEN =
      new Scene(
          lane -> lane.waiting("ok"),
          (lane, taskId) -> {
            lane.shop.setStatus(taskId, "enrolled");
            lane.shop.redis().publish("waybill:enrolled", String.valueOf(taskId));
          },
          Checker.End.DELIVERED);
  private static final Scene FAILS_WAITING =
      new Scene(
          lane -> lane.waiting("ok", Checker.End.FAILED),
          (lane, taskId) -> lane.shop.setStatus(taskId, "refunded"),
          null);
  private static final Scene REJECTED =
      new Scene(
          lane -> lane.task("enrolled", "ok"),
          (lane, taskId) ->
              lane.push(taskId, "{\"taskId\":" + taskId + ",\"email\":7}", 1, Checker.End.FAILED),
          null);
  private static final Scene STOPPED =
      new Scene(
          Lane::underWay,
          (lane, taskId) -> {
            lane.holder(taskId).signal("TERM");
            lane.goOn(taskId);
          },
          Checker.End.DELIVERED);
  private static final Scene KILLED =
      new Scene(
          Lane::underWay,
          (lane, taskId) -> {
            lane.holder(taskId).signal("KILL");
            lane.goOn(taskId);
          },
          Checker.End.DELIVERED);
  private static final Scene FROZEN =
      new Scene(
          Lane::underWay,
          (lane, taskId) -> {
            LocalProcess holder = lane.holder(taskId);
            holder.signal("STOP");
            TimeUnit.MILLISECONDS.sleep(Fleet.LEASE.toMillis() * 2);
            holder.signal("CONT");
            lane.goOn(taskId);
          },
          Checker.End.DELIVERED);
  private static final Scene STARTED =
      new Scene(
          lane -> lane.task("enrolled", "ok"),
          (lane, taskId) -> {
            lane.fleet.workers().get(0).signal("TERM");
            lane.push(taskId, "ok");
          },
          Checker.End.DELIVERED);
  private static final Scene DELIVERED_AGAIN =
      new Scene(
          lane -> {
            long taskId = lane.task("enrolled", "ok");
            lane.push(taskId, "ok");
            lane.until(() -> "done".equals(lane.shop.ledger("state", taskId)), "the first time");
            lane.checker.expectDeliveries(taskId, 2);
            lane.shop.setStatus(taskId, "enrolled");
            return taskId;
          },
          (lane, taskId) -> lane.push(taskId, "ok"),
          Checker.End.DELIVERED);

  /** Half of it is at the remote, the rest on a host that is gone. */
  private static final Scene FILES_GONE =
      new Scene(
          lane -> {
            long taskId = lane.task("enrolled", "ok");
            Path gate = Files.createFile(lane.fleet.notes().resolve("gate-move-" + taskId));
            lane.push(taskId, "ok");
            Path moves = lane.fleet.notes().resolve("moves-" + taskId);
            lane.until(() -> Files.readAllLines(moves).size() >= 2, "the second move");
            Files.delete(gate);
            return taskId;
          },
          (lane, taskId) -> {
            lane.holder(taskId).signal("KILL");
            new Sandbox(lane.shop.sandbox(taskId)).delete();
            Files.createFile(lane.fleet.notes().resolve("go-move-" + taskId));
          },
          Checker.End.DELIVERED);

  /** Of a BullMQ queue: it is put off, and enrolled when the step has been reached. */
  private static final Scene PUT_OFF =
      new Scene(
          lane -> lane.task("pending", "ok"),
          (lane, taskId) -> {
            lane.push(taskId, "ok");
            lane.awaitFired();
            lane.shop.setStatus(taskId, "enrolled");
          },
          Checker.End.DELIVERED);

  /** It was put off, and goes on. */
  private static final Scene HELD_AGAIN =
      new Scene(
          lane -> {
            long taskId = lane.waiting("ok");
            lane.until(() -> lane.bullmq.isDelayed(taskId), "it is put off");
            return taskId;
          },
          (lane, taskId) -> lane.shop.setStatus(taskId, "enrolled"),
          Checker.End.DELIVERED);

  private static final Scene UNDER_WAY =
      new Scene(Lane::underWay, Lane::goOn, Checker.End.DELIVERED);
  private static final Scene SLOW =
      new Scene(
          lane -> lane.task("enrolled", "slow"),
          (lane, taskId) -> lane.push(taskId, "slow"),
          Checker.End.DELIVERED);

  /** Its attempts are BullMQ's: it dies, comes back, and dies for good. */
  private static final Scene ANOTHER_ATTEMPT =
      new Scene(
          lane -> lane.task("enrolled", "fails-always"),
          (lane, taskId) ->
              lane.push(
                  taskId, Shop.payload(taskId, Shop.url("fails-always")), 2, Checker.End.FAILED),
          Checker.End.FAILED);

  /** Steps that jobs of a BullMQ queue do not take. */
  private static final List<String> OF_LISTS =
      List.of("RedisListConsumer.take", "RedisListConsumer.accepted", "ClaimedLists.drain");

  private final Path directory;
  private final PrintStream out;
  private final String source;
  private final List<String> wrong = Collections.synchronizedList(new ArrayList<>());

  /**
   * @param source of the jobs: list or bullmq
   */
  Failpoints(Path directory, String source, PrintStream out) {
    this.directory = directory;
    this.source = source;
    this.out = out;
  }

  private List<Case> cases() {
    List<Case> cases = all();
    if (source.equals("bullmq")) {
      cases.removeIf(one -> OF_LISTS.stream().anyMatch(one.step()::endsWith));
      cases.addAll(ofBullmq());
    }
    return cases;
  }

  /** From the moment at which a job was taken to the one at which its queue knows of its end. */
  private static List<Case> ofBullmq() {
    List<Case> cases = new ArrayList<>();
    String queue = "routes.bullmq.BullQueue.";
    String book = "routes.ledger.BullBook.";
    add(cases, queue + "take", 1, ORDINARY);
    add(cases, "routes.BullIntake.enter", 1, ORDINARY);
    add(cases, book + "taken", 1, ORDINARY);
    add(cases, queue + "extend", 1, UNDER_WAY);
    add(cases, book + "held", 1, UNDER_WAY);
    add(cases, queue + "freeStalled", 1, UNDER_WAY);
    add(cases, queue + "progress", 1, SLOW);
    add(cases, queue + "delay", 1, PUT_OFF);
    add(cases, book + "told", 1, PUT_OFF);
    add(cases, queue + "hold", 1, HELD_AGAIN);
    add(cases, queue + "complete", 1, ORDINARY);
    add(cases, book + "forget", 1, ORDINARY);
    add(cases, queue + "retry", 1, ANOTHER_ATTEMPT);
    add(cases, queue + "fail", 1, FAILS_ALWAYS);
    return cases;
  }

  private static List<Case> all() {
    List<Case> cases = new ArrayList<>();
    String admission = "routes.ledger.Admission.";
    String ledger = "routes.ledger.Ledger.";
    String workers = "routes.ledger.Workers.";
    String queue = "routes.queue.";
    String runner = "routes.command.ProgramRunner.";
    add(cases, queue + "RedisListConsumer.take", 1, ORDINARY);
    add(cases, admission + "enterNew", 1, ORDINARY);
    add(cases, queue + "Bell.ringAgain", 1, ORDINARY);
    add(cases, queue + "RedisListConsumer.accepted", 1, ORDINARY);
    add(cases, queue + "News.publish", 1, ORDINARY);
    add(cases, queue + "RedisBellComponent$BellConsumer.take", 1, ORDINARY);
    add(cases, ledger + "claim", 1, ORDINARY);
    add(cases, "routes.job.Sandbox.create", 1, ORDINARY);
    for (int program = 1; program <= 3; program++) {
      // The downloader, rclone move, rclone lsjson.
      add(cases, runner + "start", program, ORDINARY);
      add(cases, runner + "watch", program, ORDINARY);
    }
    add(cases, ledger + "downloaded", 1, ORDINARY);
    add(cases, ledger + "uploaded", 1, ORDINARY);
    add(cases, "routes.webhook.WebhookRequest.process", 1, ORDINARY);
    add(cases, "routes.webhook.WebhookAnswer.process", 1, ORDINARY);
    add(cases, "routes.job.Sandbox.delete", 1, ORDINARY);
    add(cases, ledger + "done", 1, ORDINARY);
    add(cases, ledger + "tryFailed", 1, FAILS_ONCE);
    add(cases, runner + "endLeftBehind", 1, FAILS_ONCE);
    add(cases, ledger + "bury", 1, FAILS_ALWAYS);
    add(cases, admission + "enrol", 1, ENROLLED_LATER);
    add(cases, "routes.EnrolmentRoute.wake", 1, WOKEN);
    add(cases, admission + "endWaiting", 1, FAILS_WAITING);
    add(cases, admission + "failShopRow", 1, REJECTED);
    add(cases, queue + "RejectedList.add", 1, REJECTED);
    add(cases, admission + "enterAgain", 1, DELIVERED_AGAIN);
    add(cases, ledger + "handBack", 1, STOPPED);
    add(cases, workers + "retire", 1, STOPPED);
    add(cases, queue + "ClaimedLists.drain", 1, KILLED);
    add(cases, workers + "takeOver", 1, KILLED);
    add(cases, workers + "abandon", 1, FROZEN);
    add(cases, workers + "renew", 1, ORDINARY);
    add(cases, workers + "enlist", 1, STARTED);
    add(cases, ledger + "startOver", 1, FILES_GONE);
    return cases;
  }

  private static void add(List<Case> cases, String step, int nth, Scene scene) {
    for (String when : WHENS) {
      for (String how : HOWS) {
        cases.add(new Case(step, when, how, nth, scene));
      }
    }
  }

  /**
   * @param only part of the names of those to be run; blank for all
   * @return whether each ended right
   */
  boolean run(String only) throws Exception {
    List<Case> cases = cases().stream().filter(one -> one.toString().contains(only)).toList();
    Queue<Case> queue = new ConcurrentLinkedQueue<>(cases);
    List<Thread> lanes = new ArrayList<>();
    long started = System.nanoTime();
    for (int i = 1; i <= LANES; i++) {
      Path where = directory.resolve("lane-" + i);
      Thread lane =
          new Thread(
              () -> {
                try {
                  work(where, queue);
                } catch (Exception e) {
                  wrong.add(where + ": " + e);
                }
              });
      lanes.add(lane);
      lane.start();
    }
    for (Thread lane : lanes) {
      lane.join();
    }
    out.printf(
        "%n%d failpoints, %d of them ended wrong, %d s%n",
        cases.size() - queue.size(),
        wrong.size(),
        TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - started));
    wrong.forEach(out::println);
    if (wrong.isEmpty() && queue.isEmpty()) {
      new Sandbox(directory).delete();
    } else {
      out.println("logs are kept: " + directory);
    }
    return wrong.isEmpty() && queue.isEmpty();
  }

  private void work(Path where, Queue<Case> cases) throws Exception {
    try (Lane lane = new Lane(where, source)) {
      for (Case next = cases.poll(); next != null; next = cases.poll()) {
        long started = System.nanoTime();
        List<String> faults = lane.play(next);
        out.printf(
            "%-60s %5.1f s  %s%n",
            next,
            (System.nanoTime() - started) / 1e9,
            faults.isEmpty() ? "right" : "WRONG " + faults);
        if (!faults.isEmpty()) {
          wrong.add(next + ": " + faults);
        }
      }
    }
  }

  /** A shop and two workers. */
  private static final class Lane implements AutoCloseable {
    private final Fleet fleet;
    private final Shop shop;
    private final Checker checker;
    private final Path points;
    private final LedgerHistory ledger;
    private final BullSide bullmq;
    private int bullmqJobs;
    private int violationsSeen;
    private int changesSeen;

    Lane(Path directory, String source) throws Exception {
      points = Files.createDirectories(directory.resolve("points")).toAbsolutePath();
      String[] settings = {
        "WORKER_COUNT", "2",
        "WAYBILL_ENROLMENT_POLL", "500ms",
        // One job after another fails here on purpose: that must not hold back the next.
        "WAYBILL_BREAKER_FAILURES", "10000"
      };
      fleet =
          new Fleet(
              directory,
              1,
              AgentJar.option(directory, "failpoints=" + points),
              Stream.of(settings, BullSide.settings(source))
                  .flatMap(Stream::of)
                  .toArray(String[]::new));
      shop = fleet.shop();
      bullmq = source.equals("bullmq") ? new BullSide(shop) : null;
      checker = new Checker(fleet, 1);
      fleet.start();
      fleet.start();
      ledger = LedgerHistory.begin(shop);
    }

    List<String> play(Case one) throws Exception {
      until(() -> fleet.workers().stream().allMatch(LocalProcess::isAlive), "two workers");
      until(
          () -> "2".equals(shop.query("SELECT COUNT(*) FROM waybill_worker WHERE gone_at IS NULL")),
          "two workers in the book");
      Files.deleteIfExists(points.resolve("fired"));
      long taskId = one.scene().arrange().on(this);
      Path armed = points.resolve("armed.new");
      Files.writeString(armed, one.armed());
      Files.move(armed, points.resolve("armed"));
      one.scene().go().on(this, taskId);
      try {
        until(() -> Files.exists(points.resolve("fired")), "the step is reached");
        until(() -> hasEnded(one, taskId), "task " + taskId + " has ended");
        until(() -> fleet.workers().stream().allMatch(LocalProcess::isAlive), "all live again");
        until(() -> checker.keys().isEmpty(), "nothing is left in Redis");
        if (bullmq != null) {
          until(() -> bullmq.open().isEmpty(), "the BullMQ queue knows");
          bullmq.check(checker, taskId);
        }
      } catch (IllegalStateException e) {
        checker.violated(
            e.getMessage() + ", but " + fleet.open(false) + ", keys " + checker.keys());
        Files.deleteIfExists(points.resolve("armed"));
      }
      if (one.scene().end() != null) {
        checker.task(taskId, one.scene().end());
      } else if (!"failed".equals(shop.status(taskId))) {
        checker.violated("task " + taskId + ": expected failed, found " + shop.status(taskId));
      }
      checker.noOverlaps();
      List<LedgerHistory.Change> changes = ledger.changes();
      checker.history(changes.subList(changesSeen, changes.size()));
      changesSeen = changes.size();
      List<String> all = checker.violations();
      List<String> found = all.subList(violationsSeen, all.size());
      violationsSeen = all.size();
      return found;
    }

    private boolean hasEnded(Case one, long taskId) throws Exception {
      if (one.scene() == REJECTED) {
        return shop.redis().lrange("waybill:rejected", 0, -1).stream()
            .anyMatch(entry -> entry.contains(":" + taskId + ","));
      }
      String state = shop.ledger("state", taskId);
      boolean again = one.scene() != DELIVERED_AGAIN || shop.webhook().calls(taskId).size() >= 2;
      return again && ("done".equals(state) || "dead".equals(state));
    }

    /** Looks, and meanwhile does what a service manager, and a paused machine, would do. */
    private void until(Callable<Boolean> condition, String what) throws Exception {
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      while (!holds(condition)) {
        if (System.nanoTime() > deadline) {
          throw new IllegalStateException("expected: " + what);
        }
        freezeTheHanging();
        fleet.replaceTheDead();
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }

    private static boolean holds(Callable<Boolean> condition) throws Exception {
      try {
        return condition.call();
      } catch (IOException | java.sql.SQLException notYet) {
        return false;
      }
    }

    private void freezeTheHanging() throws Exception {
      Path hanging = points.resolve(Failpoint.HANGING);
      if (!Files.exists(hanging)) {
        return;
      }
      long pid = Long.parseLong(Files.readString(hanging).strip());
      for (LocalProcess worker : List.copyOf(fleet.workers())) {
        if (worker.pid() == pid) {
          worker.signal("STOP");
          TimeUnit.MILLISECONDS.sleep(Fleet.LEASE.toMillis() * 2);
          Files.delete(hanging);
          worker.signal("CONT");
        }
      }
    }

    long task(String status, String conduct) throws Exception {
      return shop.task(status, Shop.url(conduct));
    }

    void push(long taskId, String conduct) {
      Checker.End end = conduct.equals("fails-always") ? Checker.End.FAILED : Checker.End.DELIVERED;
      push(taskId, Shop.payload(taskId, Shop.url(conduct)), 1, end);
    }

    /**
     * @param attempts and its end: what a BullMQ job has beside a payload
     */
    void push(long taskId, String payload, int attempts, Checker.End end) {
      if (bullmq == null) {
        shop.redis().lpush(Shop.INBOX, payload);
      } else {
        bullmq.add(taskId, payload, bullmqJobs++, attempts, end);
      }
    }

    long waiting(String conduct) throws Exception {
      return waiting(conduct, Checker.End.DELIVERED);
    }

    long waiting(String conduct, Checker.End end) throws Exception {
      long taskId = task("pending", conduct);
      push(taskId, Shop.payload(taskId, Shop.url(conduct)), 1, end);
      until(() -> "waiting".equals(shop.ledger("state", taskId)), "it waits");
      return taskId;
    }

    /** Its downloader runs, and waits for {@link #goOn}. */
    long underWay() throws Exception {
      long taskId = task("enrolled", "gated");
      push(taskId, "gated");
      until(() -> Files.exists(fleet.notes().resolve("downloads-" + taskId)), "it runs");
      return taskId;
    }

    void awaitFired() throws Exception {
      until(() -> Files.exists(points.resolve("fired")), "the step is reached");
    }

    void goOn(long taskId) throws Exception {
      awaitFired();
      Files.createFile(fleet.notes().resolve("go-" + taskId));
    }

    /** Who has the task in hand. */
    LocalProcess holder(long taskId) throws Exception {
      String owner = shop.ledger("owner", taskId);
      return fleet.workers().stream()
          .filter(worker -> owner.contains("-" + worker.pid() + "-"))
          .findFirst()
          .orElseThrow();
    }

    @Override
    public void close() throws IOException {
      fleet.close();
    }
  }
}
