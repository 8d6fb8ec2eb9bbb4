package bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import servers.NodePeer;
import servers.Shop;

/**
 * Jobs of a BullMQ queue on the same pipeline, worked by Waybill and by two real BullMQ workers in
 * Node in turn, each on a queue of its own. The others idle while one works.
 */
final class BesideNode {
  private static final String PACKAGE = "bullmq";
  private static final String PREFIX = "bull";
  private static final String OURS = "downloads";
  private static final String WHOLE = "downloads-node";
  private static final String BARE = "downloads-bare";
  private static final int AT_ONCE = 500;
  private static final int WARM_UP = 1500;
  private static final int MOST_WARM_UPS = 20;

  /** The part of a core that a JIT compiler may still need. */
  private static final int QUIET = 50;

  /** Where a figure goes. */
  interface Rows {
    void row(String name, String format, Object... values);
  }

  private final Site site;
  private final Rows rows;
  private final int jobs;
  private final int repeats;

  /**
   * @param jobs of one round
   */
  BesideNode(Site site, Rows rows, int jobs, int repeats) {
    this.site = site;
    this.rows = rows;
    this.jobs = jobs;
    this.repeats = repeats;
  }

  /** One of the two, with what it has needed in all rounds that count. */
  private final class Contender implements AutoCloseable {
    private final String name;
    private final String queue;
    private final long pid;
    private final NodePeer producer;
    private final List<Double> rates = new ArrayList<>();
    private Site.Cpu used =
        new Site.Cpu(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO);

    Contender(String name, String queue, long pid) throws IOException {
      this.name = name;
      this.queue = queue;
      this.pid = pid;
      this.producer =
          NodePeer.start(
              PACKAGE, site.shop().redisServer(), PREFIX, queue, site.shop().directory());
    }

    private long completed() {
      return site.shop().redis().zcard(PREFIX + ":" + queue + ":completed");
    }

    /**
     * From the moment when all of them may be taken until all webhooks have come and all are told.
     */
    double once(int number) throws Exception {
      List<Long> ids = site.tasks(number, "enrolled", Shop.url("ok"));
      producer.ask("pause");
      for (int done = 0; done < number; done += AT_ONCE) {
        producer.ask(
            "addBulk",
            ids.subList(done, Math.min(number, done + AT_ONCE)).stream().map(this::job).toList());
      }
      long all = completed() + number;
      long started = System.nanoTime();
      producer.ask("resume");
      site.awaitWebhooks(number);
      Wait.until(() -> completed() == all, "all jobs of " + queue + " are completed");
      double rate = number / ((System.nanoTime() - started) / 1e9);
      site.arrivals();
      return rate;
    }

    private Map<String, Object> job(long taskId) {
      return Map.of(
          "name",
          "download",
          "data",
          Map.of("taskId", taskId, "email", "a@example.com", "courseUrl", Shop.url("ok")),
          "opts",
          Map.of("attempts", 3, "backoff", Map.of("type", "exponential", "delay", 1000)));
    }

    /** Until its compiler has next to nothing left to do: a worker runs for months. */
    void warmUp() throws Exception {
      for (int round = 0; round < (repeats == 1 ? 1 : MOST_WARM_UPS); round++) {
        Duration before = Jit.time(pid);
        long started = System.nanoTime();
        once(Math.min(jobs, WARM_UP));
        long compiling = Jit.time(pid).minus(before).toNanos();
        if (compiling < (System.nanoTime() - started) / QUIET) {
          return;
        }
      }
    }

    void measure() throws Exception {
      Site.Cpu before = site.cpu(pid);
      rates.add(once(jobs));
      used = used.plus(site.cpu(pid).since(before));
    }

    /** Jobs a second. */
    double rate() {
      return Figures.of(rates).median();
    }

    void tell() throws IOException {
      Figures rate = Figures.of(rates);
      rows.row(name, "%.0f /s (%.0f to %.0f)", rate.median(), rate.least(), rate.most());
      rows.row(
          "processor time a job, " + name,
          "%.2f ms, its programs %.2f, database %.2f, Redis %.2f",
          millis(used.worker()),
          millis(used.programs()),
          millis(used.database()),
          millis(used.redis()));
      rows.row("memory, " + name, "%d MiB", Site.rssKib(pid) / 1024);
    }

    private double millis(Duration duration) {
      return duration.toNanos() / 1e6 / (jobs * rates.size());
    }

    @Override
    public void close() {
      producer.close();
    }
  }

  /** The same worker and the same work, without BullMQ. */
  private double fromList() throws Exception {
    List<Long> ids = site.tasks(jobs, "enrolled", Shop.url("ok"));
    long started = System.nanoTime();
    site.push(ids);
    site.awaitWebhooks(jobs);
    double rate = jobs / ((System.nanoTime() - started) / 1e9);
    site.arrivals();
    return rate;
  }

  void run() throws Exception {
    site.stopWorker();
    site.startWorker(
        "WAYBILL_QUEUE_SOURCE",
        "list,bullmq",
        "WAYBILL_BULLMQ_PREFIX",
        PREFIX,
        "WAYBILL_BULLMQ_QUEUE",
        OURS);
    try (NodeWorker wholeNode = NodeWorker.start(site, "whole", PREFIX, WHOLE);
        NodeWorker bareNode = NodeWorker.start(site, "bare", PREFIX, BARE);
        Contender ours = new Contender("Waybill on BullMQ", OURS, site.workerPid());
        Contender whole = new Contender("BullMQ worker in Node", WHOLE, wholeNode.pid());
        Contender bare = new Contender("bare worker in Node", BARE, bareNode.pid())) {
      for (Contender each : List.of(ours, whole, bare)) {
        each.warmUp();
      }
      Duration idle = Duration.ZERO;
      long working = 0;
      List<Double> lists = new ArrayList<>();
      for (int i = 0; i < repeats; i++) {
        ours.measure();
        Site.Cpu before = site.cpu();
        long started = System.nanoTime();
        whole.measure();
        bare.measure();
        working += System.nanoTime() - started;
        idle = idle.plus(site.cpu().since(before).worker());
        lists.add(fromList());
      }
      ours.tell();
      for (Contender node : List.of(whole, bare)) {
        node.tell();
        rows.row("ratio to the " + node.name, "%.2f", ours.rate() / node.rate());
      }
      Figures list = Figures.of(lists);
      rows.row(
          "Waybill on its list",
          "%.0f /s (%.0f to %.0f)",
          list.median(),
          list.least(),
          list.most());
      rows.row("idle Waybill meanwhile", "%.1f %% of a core", 100.0 * idle.toNanos() / working);
    }
  }
}
