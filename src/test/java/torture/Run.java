package torture;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import routes.command.ProcessTree;
import servers.LocalProcess;
import servers.Shop;
import servers.WebhookReceiver.Call;

/** Many jobs on three workers, and faults by a schedule. */
final class Run {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int WORKERS = 3;

  /** Where a look at a worker's memory and open files counts as its beginning, and as its end. */
  private static final int SETTLED_LOOKS = 20;

  private final int jobs;
  private final long seed;
  private final Duration length;
  private final Duration patience;
  private final List<Fault> faults;
  private final String javaOptions;
  private final String source;
  private final boolean beside;
  private final Path directory;
  private final PrintStream out;
  private final Map<Long, Conduct> conducts = new TreeMap<>();
  private final Map<Fault.Kind, Integer> done = new TreeMap<>();
  private final List<Kill> kills = new ArrayList<>();
  private final Map<Long, List<Usage>> usage = new HashMap<>();
  private final List<String> history = new ArrayList<>();
  private final List<Thread> thaws = new ArrayList<>();
  private Fleet fleet;
  private Shop shop;
  private Checker checker;
  private BullSide bullmq;
  private int pushed;
  private int poison;
  private int duplicates;

  private record Kill(String user, Instant at) {}

  /** Of one worker at one moment. */
  private record Usage(long kib, int files) {}

  /**
   * @param length of the time over which jobs are pushed and faults happen
   * @param patience after the last fault, until every task has to have ended
   * @param javaOptions of the workers
   * @param source of the jobs: list, bullmq, or both in turn
   * @param beside whether a worker in Node is on the BullMQ queue too
   * @param directory which is kept if anything is wrong
   */
  Run(
      int jobs,
      long seed,
      Duration length,
      Duration patience,
      List<Fault> faults,
      String javaOptions,
      String source,
      boolean beside,
      Path directory,
      PrintStream out) {
    this.jobs = jobs;
    this.seed = seed;
    this.length = length;
    this.patience = patience;
    this.faults = new ArrayList<>(faults);
    this.javaOptions = javaOptions;
    this.source = source;
    this.beside = beside;
    this.directory = directory;
    this.out = out;
  }

  /**
   * @return what was wrong; empty if nothing was
   */
  List<String> run() throws Exception {
    Instant start = Instant.now();
    String[] settings = source.equals("list") ? new String[0] : BullSide.settings(source);
    try (Fleet opened = new Fleet(directory, seed, javaOptions, settings)) {
      fleet = opened;
      shop = fleet.shop();
      bullmq = source.equals("list") ? null : new BullSide(shop);
      checker = new Checker(fleet, seed);
      for (int i = 0; i < WORKERS; i++) {
        fleet.start();
      }
      LedgerHistory ledger = LedgerHistory.begin(shop);
      NodeBeside node = beside ? NodeBeside.start(shop, seed) : null;
      try {
        wreck();
        awaitEnd();
      } finally {
        if (node != null) {
          node.close();
        }
      }
      fleet.stopAll();
      for (Map.Entry<Long, Conduct> task : conducts.entrySet()) {
        checker.task(task.getKey(), task.getValue().end());
      }
      checker.nothingElseAtTheRemote(conducts.keySet());
      checker.nothingLeft();
      if (bullmq != null) {
        bullmq.check(checker);
      }
      checkUsage();
      List<LedgerHistory.Change> changes = ledger.changes();
      int foreign = checker.history(changes);
      report(changes, foreign, Duration.between(start, Instant.now()));
      Files.write(directory.resolve("history.jsonl"), history);
      checker.keep(changes);
      return checker.violations();
    }
  }

  private void wreck() throws Exception {
    Random random = new Random(seed + 1);
    long start = System.nanoTime();
    long looked = start;
    while (pushed < jobs || !faults.isEmpty()) {
      double at = (System.nanoTime() - start) / (double) length.toNanos();
      while (pushed < jobs && pushed < at * 1.1 * jobs) {
        push(random);
      }
      while (!faults.isEmpty() && faults.get(0).at() <= at) {
        Fault fault = faults.remove(0);
        done.merge(fault.kind(), 1, Integer::sum);
        tell("fault", fault.kind().name());
        happen(fault);
        fleet.replaceTheDead();
      }
      if (System.nanoTime() - looked > TimeUnit.SECONDS.toNanos(1)) {
        looked = System.nanoTime();
        look();
        follow();
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
    for (Thread thaw : thaws) {
      thaw.join();
    }
  }

  private void push(Random random) throws Exception {
    Conduct conduct = Conduct.choose(random);
    boolean later = random.nextInt(10) == 0;
    boolean thrice = random.nextInt(20) == 0;
    // Two jobs about one task, taken by two kinds of workers, are two deliveries by right.
    int times = thrice && !beside ? 3 : 1;
    boolean poisoned = random.nextInt(40) == 0;
    String url = Shop.url(conduct.path());
    long taskId = Insist.on(() -> shop.task(later ? "pending" : "enrolled", url));
    conducts.put(taskId, conduct);
    for (int i = 0; i < times; i++) {
      int number = i;
      Insist.on(
          () -> {
            if (goesToBullmq(taskId + number)) {
              bullmq.add(taskId, url, number, conduct.end());
            } else if (taskId % 7 == 0) {
              shop.pushVip(taskId, url);
            } else {
              shop.push(taskId, url);
            }
            return null;
          });
    }
    duplicates += times - 1;
    if (poisoned) {
      Insist.on(
          () -> {
            if (goesToBullmq(taskId)) {
              bullmq.addPoison(taskId);
            } else {
              shop.redis().lpush(Shop.INBOX, "{\"poison\":" + taskId);
            }
            return null;
          });
      poison++;
    }
    if (later) {
      Insist.on(
          () ->
              shop.update(
                  "UPDATE download_tasks SET status = 'enrolled' WHERE id = ? AND status = 'pending'",
                  taskId));
    }
    pushed++;
    tell("pushed", taskId + " " + conduct);
  }

  /** With both sources in turn, and the same task's jobs in turn too. */
  private boolean goesToBullmq(long number) {
    return bullmq != null && (source.equals("bullmq") || number % 2 == 0);
  }

  private void follow() throws Exception {
    if (bullmq != null) {
      bullmq.follow();
    }
  }

  private void happen(Fault fault) throws Exception {
    List<LocalProcess> workers = fleet.workers();
    LocalProcess worker = workers.get(fault.which() % workers.size());
    int some = 1 + fault.which() % 5;
    switch (fault.kind()) {
      case KILL_WORKER -> {
        kills.add(new Kill(fleet.userOf(worker.pid()), Instant.now()));
        worker.signal("KILL");
        worker.awaitExit(Shop.PATIENCE);
      }
      case FREEZE_WORKER -> freeze(worker);
      case STOP_WORKER -> {
        worker.signal("CONT");
        worker.signal("TERM");
      }
      case KILL_REDIS -> {
        shop.redisServer().kill();
        shop.redisServer().start();
      }
      case KILL_DATABASE -> {
        shop.database().kill();
        shop.database().start();
      }
      case CUT_REDIS -> fleet.redis.cutNextAnswers(some);
      case CUT_DATABASE -> fleet.database.cutNextAnswers(some);
      case CUT_WEBHOOK -> fleet.webhook.cutNextAnswers(1);
      case CUT_REMOTE -> fleet.remote.cutNextAnswers(some);
      case KILL_CHILD -> {
        List<ProcessHandle> children =
            ProcessTree.marked(mark -> mark.startsWith(shop.staging().toString()));
        if (!children.isEmpty()) {
          children.get(fault.which() % children.size()).destroyForcibly();
        }
      }
    }
  }

  /** For twice its lease: long enough to be taken for dead. */
  private void freeze(LocalProcess worker) throws IOException {
    worker.signal("STOP");
    Thread thaw =
        new Thread(
            () -> {
              try {
                TimeUnit.MILLISECONDS.sleep(Fleet.LEASE.toMillis() * 2);
                worker.signal("CONT");
              } catch (InterruptedException | IOException e) {
                checker.violated("a worker could not be thawed: " + e);
              }
            });
    thaws.add(thaw);
    thaw.start();
  }

  private void awaitEnd() throws Exception {
    long deadline = System.nanoTime() + patience.toNanos();
    String open = null;
    while (System.nanoTime() < deadline) {
      fleet.replaceTheDead();
      look();
      follow();
      open = Insist.on(() -> fleet.open(beside));
      boolean taken = shop.redis().llen(Shop.INBOX) == 0 && shop.redis().llen(Shop.VIP_INBOX) == 0;
      boolean swept =
          conducts.entrySet().stream()
              .noneMatch(task -> checker.leavesSandbox(task.getKey(), task.getValue().end()));
      boolean told = bullmq == null || bullmq.open().isEmpty();
      if (open == null
          && taken
          && swept
          && told
          && checker.keys().isEmpty()
          && checker.programs().isEmpty()) {
        return;
      }
      TimeUnit.MILLISECONDS.sleep(500);
    }
    checker.violated(
        "not over "
            + patience.toSeconds()
            + " s after the last fault: tasks "
            + open
            + ", keys "
            + checker.keys()
            + ", programs "
            + checker.programs()
            + (bullmq == null ? "" : ", BullMQ " + bullmq.open()));
  }

  private void look() {
    for (LocalProcess worker : fleet.workers()) {
      Path process = Path.of("/proc", String.valueOf(worker.pid()));
      try (Stream<Path> files = Files.list(process.resolve("fd"))) {
        int open = (int) files.count();
        for (String line : Files.readAllLines(process.resolve("status"))) {
          if (line.startsWith("VmRSS:")) {
            long kib = Long.parseLong(line.replaceAll("\\D", ""));
            usage.computeIfAbsent(worker.pid(), pid -> new ArrayList<>()).add(new Usage(kib, open));
          }
        }
      } catch (IOException ended) {
        // it is looked at no more
      }
    }
  }

  /** Who has lived long must hold no more at the end than when it had settled. */
  private void checkUsage() {
    usage.forEach(
        (pid, looks) -> {
          if (looks.size() < 4 * SETTLED_LOOKS) {
            return;
          }
          List<Usage> first = looks.subList(SETTLED_LOOKS, 2 * SETTLED_LOOKS);
          List<Usage> last = looks.subList(looks.size() - SETTLED_LOOKS, looks.size());
          int files = most(last) - most(first);
          if (files > 30) {
            checker.violated("worker " + pid + " holds " + files + " more open files at its end");
          }
          long kib = memory(last) - memory(first);
          if (kib > 100 * 1024) {
            checker.violated("worker " + pid + " has grown by " + kib / 1024 + " MiB");
          }
        });
  }

  private static int most(List<Usage> looks) {
    return looks.stream().mapToInt(Usage::files).max().orElse(0);
  }

  private static long memory(List<Usage> looks) {
    return looks.stream().mapToLong(Usage::kib).max().orElse(0);
  }

  private void tell(String what, String detail) throws IOException {
    history.add(
        JSON.writeValueAsString(
            Map.of("at", Instant.now().toString(), "what", what, "detail", detail)));
  }

  /** Milliseconds from each kill until this comes of each job of the killed worker; ascending. */
  private List<Long> afterKills(
      List<LedgerHistory.Change> changes, Predicate<LedgerHistory.Change> what) {
    List<Long> times = new ArrayList<>();
    for (Kill kill : kills) {
      Map<Long, String> held = new HashMap<>();
      for (LedgerHistory.Change change : changes) {
        boolean before = change.at().isBefore(kill.at());
        if (before && "running".equals(change.newState())) {
          held.put(change.taskId(), change.newOwner());
          continue;
        }
        if (before) {
          held.remove(change.taskId());
          continue;
        }
        if (what.test(change) && ownedBy(kill.user(), held.remove(change.taskId()), changes)) {
          times.add(Duration.between(kill.at(), change.at()).toMillis());
        }
      }
    }
    Collections.sort(times);
    return times;
  }

  private void rowOfTimes(String name, List<Long> times) {
    if (times.isEmpty()) {
      return;
    }
    row(
        name,
        "p50 %.1f s, p99 %.1f s, max %.1f s of %d (lease %d s)"
            .formatted(
                times.get(times.size() / 2) / 1000.0,
                times.get((int) Math.ceil(times.size() * 0.99) - 1) / 1000.0,
                times.get(times.size() - 1) / 1000.0,
                times.size(),
                Fleet.LEASE.toSeconds()));
  }

  private static boolean ownedBy(String user, String owner, List<LedgerHistory.Change> changes) {
    return owner != null
        && changes.stream()
            .anyMatch(change -> owner.equals(change.newOwner()) && user.equals(change.writer()));
  }

  private int lines(String name, long taskId) throws IOException {
    Path file = fleet.notes().resolve(name + "-" + taskId);
    return Files.exists(file) ? Files.readAllLines(file).size() : 0;
  }

  private void report(List<LedgerHistory.Change> changes, int foreign, Duration took)
      throws Exception {
    int starts = 0;
    int needed = 0;
    int repeated = 0;
    for (Map.Entry<Long, Conduct> task : conducts.entrySet()) {
      starts += lines("downloads", task.getKey());
      needed += task.getValue().starts();
      repeated += Math.max(0, lines("whole", task.getKey()) - 1);
      repeated += Math.max(0, shop.webhook().calls(task.getKey()).size() - 1);
    }
    int faultsDone = done.values().stream().mapToInt(Integer::intValue).sum();
    if (repeated > faultsDone) {
      checker.violated(repeated + " stages were done twice, with " + faultsDone + " faults");
    }
    List<Usage> all = usage.values().stream().flatMap(List::stream).toList();
    out.println();
    row("seed", seed);
    row("jobs", jobs + ", and " + duplicates + " pushed again, " + poison + " poison payloads");
    if (bullmq != null) {
      row("BullMQ jobs", bullmq.jobs() + ", of which " + bullmq.stalled() + " have stalled");
    }
    row("faults", faultsDone + " " + done);
    row("took", took.toSeconds() + " s");
    row("completed", shop.query("SELECT COUNT(*) FROM download_tasks WHERE status = 'completed'"));
    row(
        "failed, as they should",
        shop.query("SELECT COUNT(*) FROM download_tasks WHERE status = 'failed'"));
    row(
        "downloader started",
        starts + " times; without faults " + needed + " and those that always fail");
    row("whole stages done twice", repeated + " (downloads and webhooks)");
    row("webhooks", shop.webhook().calls().size());
    if (beside) {
      row("delivered by Node", shop.webhook().calls().stream().filter(this::isByNode).count());
    }
    row("takeovers of a job", changes.stream().filter(LedgerHistory.Change::isTakeover).count());
    row("writes with an old token", foreign);
    rowOfTimes("kill to free again", afterKills(changes, LedgerHistory.Change::isGivenUp));
    rowOfTimes("kill to running again", afterKills(changes, LedgerHistory.Change::isClaim));
    row("worker's memory, at most", memory(all) / 1024 + " MiB");
    row("worker's open files, at most", most(all));
    row("violations", checker.violations().size());
    checker.violations().stream().limit(20).forEach(violation -> out.println("  " + violation));
  }

  private boolean isByNode(Call call) {
    return NodeBeside.webhookId(call.taskId()).equals(call.id());
  }

  private void row(String name, Object value) {
    out.printf("%-28s %s%n", name, value);
  }
}
