package routes;

import com.zaxxer.hikari.HikariDataSource;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.RedisClient;
import routes.bullmq.BullQueue;
import routes.command.ProgramRunner;
import routes.command.StrayPrograms;
import routes.command.TaskLog;
import routes.job.DeliveryRules;
import routes.job.Disk;
import routes.job.Flight;
import routes.job.Flights;
import routes.job.Held;
import routes.job.Stage;
import routes.ledger.Admission;
import routes.ledger.AlertBook;
import routes.ledger.BullBook;
import routes.ledger.Census;
import routes.ledger.Figures;
import routes.ledger.History;
import routes.ledger.Holds;
import routes.ledger.JobBook;
import routes.ledger.JustEntered;
import routes.ledger.Lease;
import routes.ledger.Ledger;
import routes.ledger.Sandboxes;
import routes.ledger.Schema;
import routes.ledger.Steering;
import routes.ledger.Workers;
import routes.monitoring.Alerts;
import routes.monitoring.Breakers;
import routes.monitoring.ErrorReport;
import routes.monitoring.Event;
import routes.monitoring.Events;
import routes.monitoring.Metrics;
import routes.monitoring.Redactor;
import routes.monitoring.TickFailures;
import routes.monitoring.Watch;
import routes.operator.Desk;
import routes.queue.Bell;
import routes.queue.BullLocks;
import routes.queue.BullTeller;
import routes.queue.ClaimedLists;
import routes.queue.Deliveries;
import routes.queue.News;
import routes.queue.Redis;
import routes.queue.RedisBellComponent;
import routes.queue.RedisKeys;
import routes.queue.RejectedList;
import routes.settings.Settings;
import routes.settings.Tuning;

/**
 * What the routes are made of: built once from the settings, the same in tests. Opens no connection
 * by itself.
 */
public final class Parts implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Parts.class);

  private final Settings settings;
  private volatile Tuning tuning;
  private final Map<String, String> environment;
  private final Clock clock;
  private final HikariDataSource database;
  private final RedisClient redis;
  private final Flights flights = new Flights();
  private final Admission admission;
  private final Ledger ledger;
  private final Workers workers;
  private final Lease lease;
  private final Holds holds;
  private final Breakers breakers;
  private final Deliveries deliveries;
  private final Bell bell;
  private final RejectedList rejected;
  private final ClaimedLists claimed;
  private final Redactor redactor;
  private final Events events;
  private final News news;
  private final History history;
  private final JobBook jobs;
  private final Figures figures;
  private final Desk desk;
  private final ErrorReport errorReport;
  private final ProgramRunner programs;
  private final TickFailures tickFailures;
  private final Disk disk;
  private final Sandboxes sandboxes;
  private final StrayPrograms strays;
  private final BullQueue bullmqQueue;
  private final BullBook bullmqBook;
  private final BullLocks bullmqLocks;
  private final BullTeller bullmq;
  private final Watch watch;
  private final AlertBook alertBook;
  private final Alerts alerts;
  private final Metrics metrics;

  /**
   * @param environment of the process: the programs get the parts of it that are meant for them
   */
  public Parts(Settings settings, Map<String, String> environment, Clock clock) {
    this.settings = settings;
    this.tuning = Tuning.of(settings);
    this.environment = environment;
    this.clock = clock;
    this.database = Schema.pool(settings);
    this.redis = Redis.client(settings);
    JustEntered justEntered = new JustEntered();
    this.admission = new Admission(database, settings, justEntered);
    this.ledger = new Ledger(database, settings, () -> tuning.limits(), justEntered);
    this.holds = new Holds(database);
    this.breakers = new Breakers(settings.flow().breaker(), holds);
    this.deliveries = new Deliveries(redis, settings.flow().cache(), clock);
    this.workers = new Workers(database, settings.lease(), settings.recovery().preferSameHost());
    this.lease = new Lease(workers, settings.lease(), () -> flights.stopAll(Flight.Stop.LOST));
    this.bell = new Bell(redis, clock);
    this.redactor = Redactor.of(settings, environment);
    this.rejected = new RejectedList(redis, clock, settings.queue().rejectedMax(), redactor::clean);
    this.claimed = new ClaimedLists(redis, RedisKeys.inboxes(settings.queue()));
    this.events = new Events(clock, () -> lease.worker().id(), redactor);
    this.news = new News(redis);
    events.publishTo(news::add);
    this.history = new History(database, clock);
    events.recordTo(history::add);
    this.jobs = new JobBook(database);
    this.figures = new Figures(database);
    this.desk = new Desk(new Steering(database), holds, bell, events);
    this.errorReport = new ErrorReport(redactor);
    this.programs =
        new ProgramRunner(
            settings.logs(),
            redactor,
            settings.killGrace(),
            settings.download().maxSize(),
            settings.download().maxFiles(),
            () -> tuning.limits(),
            clock);
    this.sandboxes =
        new Sandboxes(settings.download().staging(), settings.download().keep(), ledger, clock);
    this.strays =
        new StrayPrograms(settings.download().staging(), settings.killGrace(), ledger::isOver);
    this.disk = new Disk(settings.download().staging(), settings.download().minFree());
    this.bullmqBook =
        new BullBook(database, settings.bullmq().prefix() + ":" + settings.bullmq().queue());
    this.bullmqQueue =
        new BullQueue(redis, settings.bullmq().prefix(), settings.bullmq().queue(), clock);
    this.bullmqLocks =
        new BullLocks(
            bullmqBook, bullmqQueue, settings.bullmq(), () -> lease.worker().id(), this::stopLost);
    this.bullmq = teller();
    this.tickFailures = new TickFailures(clock);
    this.watch =
        new Watch(
            settings,
            environment,
            new Census(database, settings.queueOf(false), settings.queueOf(true)),
            holds,
            redis,
            bullmqQueue);
    this.alertBook = new AlertBook(database);
    this.alerts = new Alerts(watch, alertBook, events, settings.watching(), () -> lease.worker());
    this.metrics = measure();
  }

  private BullTeller teller() {
    BullTeller teller =
        new BullTeller(
            bullmqBook,
            bullmqQueue,
            bullmqLocks,
            settings.bullmq(),
            settings.enrolment().maxWait(),
            taskId ->
                TaskLog.lastLines(settings.logs().directory(), taskId, settings.bullmq().logLines())
                    .stream()
                    .map(redactor::clean)
                    .toList());
    if (settings.bullmq().enabled()) {
      events.observe(
          (event, fields) -> {
            if (!(fields.get("taskId") instanceof Long taskId)) {
              return;
            }
            switch (event) {
              case PROGRESS -> teller.progressed(taskId, (Integer) fields.get("percent"));
              case CLEANUP, DEAD, CANCELLED -> teller.ended(taskId);
              case REJECTED, DUPLICATE -> teller.changed(taskId);
              default -> {}
            }
          });
    }
    return teller;
  }

  private void stopLost(long taskId) {
    flights.all().stream()
        .filter(flight -> flight.taskId() == taskId)
        .forEach(flight -> flight.stop(Flight.Stop.LOST));
  }

  /**
   * As many jobs of a BullMQ queue as may be taken now: those that a slot will soon be free for.
   * Not one by one: a few together cost the ledger hardly more than one does.
   */
  int mayTakeBullmq() {
    int most = Math.max(16, 4 * tuning.workers());
    int free = most - bullmqLocks.inHand();
    boolean open = mayTake() && !holds.isPaused(settings.bullmq().queue());
    return open && free >= most / 2 ? free : 0;
  }

  private Metrics measure() {
    Metrics all = new Metrics(Stage.ENROLLED.remainingWork());
    events.observe(all);
    all.shared(watch, RedisKeys.inboxes(settings.queue()), Breakers.STAGES);
    if (settings.bullmq().enabled()) {
      all.bullmq(watch, settings.bullmq().queue());
    }
    all.own(
        watch,
        () -> tuning.workers(),
        () -> flights.all().size(),
        programs::running,
        RouteNames.fetching(settings.bullmq()));
    all.alerts(alerts);
    all.cache(deliveries);
    all.pools(database, redis);
    return all;
  }

  /** Asked before anything is taken from Redis. */
  boolean mayTake() {
    return lease.isValid() && !flights.stopping();
  }

  /**
   * Whether one more download may begin here. Jobs that are past theirs are claimed all the same:
   * with the disk full, it is they who make room.
   */
  boolean mayDownload() {
    return disk.hasRoom() && flights.downloading() < tuning.limits().downloads();
  }

  /** One at a time, so that as many are claimed as may be and no more. */
  RedisBellComponent.Downloads downloads() {
    return new RedisBellComponent.Downloads() {
      @Override
      public boolean expect(long taskId) {
        int most = tuning.limits().downloads();
        return most >= tuning.workers() || flights.expectDownload(taskId, most);
      }

      @Override
      public void dropped(long taskId) {
        flights.decided(taskId);
      }
    };
  }

  /**
   * Asked by every stage before it begins.
   *
   * @throws Held if the stage is held back
   */
  void mayBegin(Exchange exchange) {
    Flight flight = ExchangeProperties.flight(exchange);
    flights.mayBegin(flight);
    String stage = flight.stage().remainingWork().get(0);
    if (!breakers.mayBegin(flight, stage)) {
      throw new Held(stage);
    }
  }

  /** What a sandbox may hold. */
  DeliveryRules deliveryRules() {
    Settings.Download download = settings.download();
    return new DeliveryRules(
        download.links() == Settings.Links.SKIP,
        download.maxSize(),
        download.maxFiles(),
        download.cage().user().isPresent());
  }

  /** How often the work of a route is tried. */
  int tries(String work) {
    return settings.retries().get(ErrorHandling.STAGES.get(work)).tries();
  }

  /**
   * What every try of a program begins with: nobody else is in the sandbox, and the log says what
   * comes.
   */
  void beginTry(Flight flight, String work, Event start) {
    flight.checkStop();
    flight.startClock();
    if (flight.token() > 1 || flight.attempts() > 0) {
      programs.endLeftBehind(flight);
    }
    programs.header(
        flight, work + " try " + (flight.attempts() + 1) + " by worker " + flight.worker());
    events.tell(start, flight, work, "try " + (flight.attempts() + 1));
  }

  /**
   * Puts a job back until what it waits for is over, and with it out of the way of those behind it:
   * a BullMQ queue gives no more than a few at a time. Where no download may begin, none of them
   * could go on either.
   */
  void park(Flight flight, String hold) {
    ledger.park(flight, hold);
    if (!hold.equals(RouteNames.DOWNLOAD)) {
      bullmqLocks.setAside(flight.taskId());
    }
  }

  /**
   * The job goes back to the ledger as it is, for whoever is free; nothing happens if it is
   * somebody else's by now.
   */
  void handBack(Flight flight, Duration pause) {
    if (ledger.handBack(flight, pause)) {
      if (pause.isZero()) {
        bell.ring(flight.taskId(), flight.vip(), flight.stage());
      }
      LOG.info("Task {} is handed back after stage {}", flight.taskId(), flight.stage().label());
    }
  }

  public Settings settings() {
    return settings;
  }

  /** As of now: a changed file changes it while the worker runs. */
  public Tuning tuning() {
    return tuning;
  }

  /** From now on; what is sized from the slots follows. */
  void tune(Tuning changed) {
    tuning = changed;
    Schema.size(database, settings, changed.workers());
    Redis.size(redis, settings, changed.workers());
  }

  public Map<String, String> environment() {
    return environment;
  }

  public Clock clock() {
    return clock;
  }

  public HikariDataSource database() {
    return database;
  }

  public RedisClient redis() {
    return redis;
  }

  public Flights flights() {
    return flights;
  }

  public Admission admission() {
    return admission;
  }

  public Ledger ledger() {
    return ledger;
  }

  public Workers workers() {
    return workers;
  }

  public Lease lease() {
    return lease;
  }

  public Holds holds() {
    return holds;
  }

  public Breakers breakers() {
    return breakers;
  }

  public Deliveries deliveries() {
    return deliveries;
  }

  public Bell bell() {
    return bell;
  }

  public RejectedList rejected() {
    return rejected;
  }

  public ClaimedLists claimed() {
    return claimed;
  }

  public Events events() {
    return events;
  }

  public News news() {
    return news;
  }

  public History history() {
    return history;
  }

  /** What an operator reads. */
  public JobBook jobs() {
    return jobs;
  }

  /** What an operator's pictures are drawn from. */
  public Figures figures() {
    return figures;
  }

  /** What an operator does. */
  public Desk desk() {
    return desk;
  }

  /** Tells the shop's BullMQ queue, where there is one. */
  public BullTeller bullmq() {
    return bullmq;
  }

  /** The locks of its jobs. */
  public BullLocks bullmqLocks() {
    return bullmqLocks;
  }

  /** The queue itself. */
  public BullQueue bullmqQueue() {
    return bullmqQueue;
  }

  /** Which of its jobs are about which tasks. */
  public BullBook bullmqBook() {
    return bullmqBook;
  }

  public ErrorReport errorReport() {
    return errorReport;
  }

  public ProgramRunner programs() {
    return programs;
  }

  public Sandboxes sandboxes() {
    return sandboxes;
  }

  public StrayPrograms strays() {
    return strays;
  }

  public Watch watch() {
    return watch;
  }

  /** Which alerts stand, of all processes. */
  public AlertBook alertBook() {
    return alertBook;
  }

  public Alerts alerts() {
    return alerts;
  }

  public Metrics metrics() {
    return metrics;
  }

  public TickFailures tickFailures() {
    return tickFailures;
  }

  @Override
  public void close() {
    redis.close();
    database.close();
  }
}
