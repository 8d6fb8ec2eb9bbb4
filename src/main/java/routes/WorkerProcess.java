package routes;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.camel.CamelContext;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.task.SimpleAsyncTaskExecutor;
import org.springframework.data.redis.connection.jedis.JedisConnectionFactory;
import org.springframework.data.redis.listener.ChannelTopic;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;
import org.springframework.data.redis.serializer.StringRedisSerializer;
import redis.clients.jedis.exceptions.JedisException;
import routes.bullmq.BullServer;
import routes.bullmq.BullmqComponent;
import routes.bullmq.BullmqConsumer;
import routes.bullmq.UnknownBullVersion;
import routes.command.DownloaderBinding;
import routes.command.RcloneBinding;
import routes.job.Flight;
import routes.ledger.LedgerAway;
import routes.ledger.Reach;
import routes.ledger.Schema;
import routes.monitoring.EventsComponent;
import routes.monitoring.MBeans;
import routes.monitoring.Readiness;
import routes.monitoring.Tracing;
import routes.operator.HttpListener;
import routes.operator.HttpSide;
import routes.operator.JolokiaSide;
import routes.queue.Backoff;
import routes.queue.ClaimOrder;
import routes.queue.Fetching;
import routes.queue.Redis;
import routes.queue.RedisBellComponent;
import routes.queue.RedisKeys;
import routes.queue.RedisListComponent;
import routes.queue.StartRate;
import routes.settings.Settings;
import routes.webhook.WebhookClient;
import routes.webhook.WebhookConnections;

/**
 * One worker process: waits for its stores, runs the pipeline, and stops without losing or leaving
 * anything.
 */
public final class WorkerProcess {
  private static final Logger LOG = LoggerFactory.getLogger(WorkerProcess.class);

  /** What Camel and the last writes may need after the grace and the end of the programs. */
  private static final Duration LAST_WRITES = Duration.ofSeconds(5);

  private static final Duration LONGEST_START = Duration.ofSeconds(20);

  /** Less than that: a start has to give up before a stop no longer waits for it. */
  private static final Duration LONGEST_SUBSCRIPTION = Duration.ofSeconds(15);

  private static final Duration LONGEST_CLOSE = Duration.ofSeconds(2);

  private final Settings settings;
  private final Map<String, String> environment;
  private final Parts parts;
  private final Main main = new Main();
  private final Backoff waiting = new Backoff();
  private final ScheduledExecutorService leaseRenewal =
      Executors.newSingleThreadScheduledExecutor(task -> new Thread(task, "lease"));
  private final ScheduledExecutorService lockRenewal =
      Executors.newScheduledThreadPool(2, task -> new Thread(task, "locks"));
  private final ExecutorService messages =
      Executors.newSingleThreadExecutor(task -> new Thread(task, "messages"));
  private final CountDownLatch stopped = new CountDownLatch(1);
  private JedisConnectionFactory redisConnections;
  private RedisMessageListenerContainer redisListener;
  private MBeans mbeans;
  private HttpSide http;
  private JolokiaSide jolokia;
  private Tracing tracing;
  private WebhookClient webhookClient;
  private WebhookClient alertClient;
  private volatile CountDownLatch starting = new CountDownLatch(0);
  private volatile boolean enlisted;
  private volatile boolean started;
  private volatile boolean stopAsked;

  public WorkerProcess(Settings settings, Map<String, String> environment, Clock clock) {
    this.settings = settings;
    this.environment = environment;
    this.parts = new Parts(settings, environment, clock);
  }

  public Parts parts() {
    return parts;
  }

  /** Null where this process does not answer over HTTP. */
  HttpSide http() {
    return http;
  }

  public CamelContext camel() {
    return main.getCamelContext();
  }

  /** For {@code main}: ends with SIGTERM, or when the start fails. */
  int runUntilStopped() throws Exception {
    Thread hook = new Thread(this::stop, "stop");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      start();
    } catch (Exception e) {
      if (stopAsked) {
        return 0;
      }
      LOG.error("Waybill could not start", e);
      stop();
      return 1;
    }
    stopped.await();
    return 0;
  }

  /**
   * Returns once the routes run. Redis and the database are waited for as long as it takes.
   *
   * @throws Exception if the routes cannot be built, or the process was stopped meanwhile
   */
  public void start() throws Exception {
    starting = new CountDownLatch(1);
    try {
      startAll();
    } finally {
      starting.countDown();
    }
  }

  private void startAll() throws Exception {
    String names = System.getProperty("sun.jnu.encoding");
    if (!names.equals("UTF-8")) {
      LOG.warn(
          "File names are read as {}: others than ASCII fail. Start with LC_ALL=C.UTF-8", names);
    }
    await("Redis at " + settings.redis(), () -> parts.redis().ping());
    await("the database at " + settings.database(), () -> Schema.migrate(parts.database()));
    await("the ledger", () -> parts.lease().begin());
    enlisted = true;
    renewLease();
    bindParts();
    bindTracing();
    prepareHttpSide();
    main.configure().setAutoConfigurationLogSummary(false);
    main.configure()
        .setShutdownTimeout(
            (int)
                settings.shutdownGrace().plus(settings.killGrace()).plus(LAST_WRITES).toSeconds());
    main.setOverrideProperties(camelProperties());
    for (var routes : App.pipeline(parts)) {
      main.configure().addRoutesBuilder(routes);
    }
    startRoutes();
    started = true;
    watchConsumers();
    listenToEvents();
    // A stop waits for its subscriptions too, and not as long as a start.
    redisListener.setMaxSubscriptionRegistrationWaitingTime(LONGEST_CLOSE.toMillis());
    mbeans = new MBeans(parts);
    mbeans.register();
    LOG.info(
        "Worker {} runs {} jobs at once from {}",
        parts.lease().worker().id(),
        settings.workers(),
        String.join(" and ", settings.queues()));
  }

  private void startRoutes() throws Exception {
    if (settings.extras().routes().isEmpty()) {
      main.start();
      return;
    }
    ExtraRoutes extra = new ExtraRoutes(settings.extras().routes().get());
    main.bind("events", new EventsComponent(parts.events(), parts.clock()));
    main.configure().addRoutesBuilder(extra);
    try {
      main.start();
    } catch (Exception e) {
      throw extra.explain(e);
    }
  }

  /**
   * Takes no new job, lets running stages end within the grace, ends the programs of the others,
   * hands their jobs back.
   */
  public void stop() {
    if (stopAsked) {
      awaitStopped();
      return;
    }
    stopAsked = true;
    waiting.stop();
    awaitStart();
    // Before the word of it: what fails from then on, whoever has read it may have ended.
    parts.flights().beginStop();
    LOG.info("Stopping: {} jobs in hand", parts.flights().all().size());
    ScheduledExecutorService graceOver = Executors.newSingleThreadScheduledExecutor();
    graceOver.schedule(
        () -> parts.flights().stopAll(Flight.Stop.HAND_BACK),
        settings.shutdownGrace().toMillis(),
        TimeUnit.MILLISECONDS);
    try {
      if (started) {
        main.stop();
      }
      handBackTheRest();
      quietly("strays could not be looked for", parts.strays()::end);
      leaseRenewal.shutdown();
      if (enlisted && settings.bullmq().enabled()) {
        quietly("the BullMQ queue was not told of the last jobs", parts.bullmq()::tellMissed);
      }
      lockRenewal.shutdown();
      if (enlisted) {
        quietly(
            "what was claimed could not be given back",
            () -> parts.claimed().drain(parts.lease().worker().id()));
        quietly("the worker's row could not be removed", () -> parts.lease().end());
      }
      quietly("the last events were not published", parts.news()::publish);
      quietly("the last of the history was not written", parts.history()::flush);
      if (mbeans != null) {
        mbeans.close();
      }
      if (tracing != null) {
        tracing.close();
      }
      if (jolokia != null) {
        jolokia.close();
      }
      if (webhookClient != null) {
        webhookClient.close();
      }
      if (alertClient != null) {
        alertClient.close();
      }
      closeConnections();
      LOG.info("Stopped");
    } finally {
      leaseRenewal.shutdownNow();
      lockRenewal.shutdownNow();
      graceOver.shutdownNow();
      stopped.countDown();
    }
  }

  /** Only what Camel had to force: the exchanges that ended in time have done this themselves. */
  private void handBackTheRest() {
    parts.flights().stopAll(Flight.Stop.HAND_BACK);
    for (Flight flight : parts.flights().all()) {
      parts.programs().endLeftBehind(flight);
      quietly(
          "task " + flight.taskId() + " could not be handed back",
          () -> parts.handBack(flight, Duration.ZERO));
    }
  }

  /**
   * Not a route: Camel stops timers first, and a job that may end within the grace must stay this
   * worker's until it has.
   */
  private void renewLease() {
    every(settings.lease().dividedBy(3), leaseRenewal, "renew-lease", parts.lease()::renew);
  }

  /** As the lease, and for the same reason: another worker of the queue would take the job. */
  private void renewLocks() {
    every(settings.bullmq().renew(), lockRenewal, "extend-locks", parts.bullmqLocks()::extend);
    every(settings.bullmq().renew(), lockRenewal, "renew-locks", parts.bullmqLocks()::renew);
  }

  private void every(Duration period, ScheduledExecutorService on, String name, Runnable work) {
    on.scheduleAtFixedRate(
        () -> {
          try {
            work.run();
          } catch (RuntimeException e) {
            parts.tickFailures().tell(name, e);
          }
        },
        period.toMillis(),
        period.toMillis(),
        TimeUnit.MILLISECONDS);
  }

  private void bindParts() throws IOException {
    redisConnections = Redis.connections(settings);
    redisListener = new RedisMessageListenerContainer();
    redisListener.setConnectionFactory(redisConnections);
    // One after the other: by itself it starts a thread for each message, and their order is lost.
    redisListener.setSubscriptionExecutor(new SimpleAsyncTaskExecutor("subscription-"));
    redisListener.setTaskExecutor(messages);
    // A start on a busy machine must not fail by two seconds.
    redisListener.setMaxSubscriptionRegistrationWaitingTime(LONGEST_SUBSCRIPTION.toMillis());
    redisListener.afterPropertiesSet();
    redisListener.start();
    main.bind("redisConnections", redisConnections);
    main.bind("redisListener", redisListener);
    main.bind("redisStrings", StringRedisSerializer.UTF_8);
    main.bind("database", parts.database());
    main.bind("metricsRegistry", parts.metrics().registry());
    for (HealthCheck check :
        Readiness.checks(settings, parts.watch(), () -> parts.flights().stopping())) {
      main.bind("waybill-" + check.getId(), check);
    }
    main.bind("programs", parts.programs());
    main.bind(
        "downloader", new DownloaderBinding(settings.download(), environment, parts.events()));
    main.bind(
        "rcloneMove",
        RcloneBinding.move(
            settings.upload(),
            settings.flow().breaker().quotaPause(),
            environment,
            parts.events()));
    main.bind("rcloneList", RcloneBinding.list(settings.upload(), environment));
    main.bind("rcloneFeatures", RcloneBinding.features(settings.upload(), environment));
    webhookClient = WebhookClient.ofWebhook(settings, environment);
    main.bind("webhookClient", webhookClient);
    main.bind("webhookConnections", webhookClient.connections());
    alertClient = WebhookClient.ofChat(settings, environment);
    main.bind("alertClient", alertClient);
    main.bind("alertConnections", alertClient.connections());
    main.bind(
        "redis-list",
        new RedisListComponent(
            parts.redis(),
            () -> parts.lease().worker().id(),
            parts::mayTake,
            settings.queue().payloadMax()));
    if (settings.bullmq().enabled()) {
      BullmqComponent bullmq = new BullmqComponent(parts.redis(), parts.clock());
      bullmq.setToken(parts.bullmqLocks().begin());
      // What another worker has ended while nobody of us was there must not run here again.
      await("the BullMQ queue", this::holdBullmqJobs);
      renewLocks();
      bullmq.setCapacity(parts::mayTakeBullmq);
      bullmq.setListeners(name -> Redis.listener(settings, name));
      main.bind("bullmq", bullmq);
      BullServer.check(parts.redis()).forEach(LOG::warn);
    }
    main.bind(
        "redis-bell",
        new RedisBellComponent(
            parts.redis(),
            parts.bell(),
            parts::mayTake,
            new StartRate(parts.redis(), () -> parts.tuning().rate()),
            new ClaimOrder(
                settings.queue(),
                () -> parts.tuning().vip(),
                list ->
                    parts
                        .holds()
                        .isPaused(settings.queueOf(list.equals(settings.queue().vipInbox()))),
                parts::mayDownload),
            parts.downloads()));
    ErrorHandling.policies(settings).forEach(main::bind);
  }

  private void holdBullmqJobs() {
    try {
      parts.bullmqLocks().renew();
    } catch (UnknownBullVersion e) {
      LOG.error("No job of the BullMQ queue is held: {}", e.getMessage());
    }
  }

  /** What fetches work, and what calls the webhook, is there now and can be measured. */
  private void watchConsumers() {
    Map<String, Supplier<Duration>> fetching = new TreeMap<>();
    for (String route : RouteNames.fetching(settings.bullmq())) {
      fetching.put(
          route,
          route.equals(RouteNames.TAKE_BULLMQ)
              ? consumer(route, BullmqConsumer.class)::age
              : consumer(route, Fetching.class)::age);
    }
    parts.watch().fetching(fetching);
    WebhookConnections.of(camel()).ifPresent(parts.metrics()::webhookPool);
  }

  private <T> T consumer(String route, Class<T> type) {
    return type.cast(camel().getRoute(route).getConsumer());
  }

  private void bindTracing() {
    settings
        .extras()
        .tracing()
        .ifPresent(
            endpoint -> {
              tracing = new Tracing(endpoint, parts.lease().worker().id());
              main.bind("tracing", tracing);
            });
  }

  /**
   * Camel finds it there for its management port, and opens no other: one that listens before its
   * guard is on would answer everybody while the routes start.
   */
  private void prepareHttpSide() {
    if (!portIsFree()) {
      return;
    }
    http = new HttpSide(parts);
    if (settings.extras().jolokia()) {
      jolokia = new JolokiaSide(settings.http().tokens(), parts.clock());
    }
    HttpListener listener =
        new HttpListener(
            settings.http().host(), settings.http().port(), http.connections(), this::mount);
    main.addMainListener(
        new MainListenerSupport() {
          @Override
          public void beforeConfigure(BaseMainSupport starting) {
            try {
              starting.getCamelContext().addService(listener, true, false);
            } catch (Exception e) {
              throw new IllegalStateException(e);
            }
          }
        });
  }

  private void mount(VertxPlatformHttpRouter router) {
    if (jolokia != null) {
      jolokia.mount(router);
    }
    http.mount(router);
  }

  private void listenToEvents() {
    if (http != null) {
      redisListener.addMessageListener(
          (message, pattern) -> http.tell(new String(message.getBody(), StandardCharsets.UTF_8)),
          ChannelTopic.of(RedisKeys.EVENTS));
    }
  }

  private Properties camelProperties() {
    Properties properties = new Properties();
    properties.putAll(settings.values());
    properties.put("camel.management.enabled", String.valueOf(http != null));
    properties.put("camel.management.host", settings.http().host());
    properties.put("camel.management.port", String.valueOf(settings.http().port()));
    properties.put("camel.management.path", "/");
    properties.put("camel.management.healthCheckEnabled", "true");
    properties.put("camel.management.healthPath", "/observe/health");
    properties.put("camel.management.metricsEnabled", "true");
    properties.put("camel.metrics.enabled", "true");
    properties.put(
        "camel.metrics.binders", "jvm-memory,jvm-gc,jvm-thread,processor,file-descriptor,uptime");
    // A series for every endpoint and exchange costs more than it tells.
    properties.put("camel.metrics.enableExchangeEventNotifier", "false");
    properties.put("camel.metrics.enableRouteEventNotifier", "false");
    properties.put("camel.metrics.skipCamelInfo", "true");
    return properties;
  }

  /**
   * A second worker on a host, with the same settings, works as well as the first; one of them
   * answers over HTTP.
   */
  private boolean portIsFree() {
    if (settings.http().port() == 0) {
      return false;
    }
    try (ServerSocket probe = new ServerSocket()) {
      probe.bind(new InetSocketAddress(settings.http().host(), settings.http().port()));
      return true;
    } catch (IOException taken) {
      LOG.warn(
          "{} is taken ({}): this worker runs without its HTTP side",
          settings.http(),
          taken.getMessage());
      return false;
    }
  }

  private void closeConnections() {
    quietly(
        "a connection could not be closed",
        () -> {
          closeListener();
          parts.close();
        });
  }

  /**
   * While Redis is away the container's own thread holds the lock that its stop wants, for as long
   * as it takes: a stop of the worker must not wait for that.
   */
  private void closeListener() {
    if (redisListener != null) {
      endSubscriptions();
    }
    // Not before: a message that is refused breaks off its subscription, which then never ends.
    messages.shutdown();
  }

  private void endSubscriptions() {
    Thread closing =
        new Thread(
            () ->
                quietly(
                    "the subscriptions could not be ended",
                    () -> {
                      redisListener.stop();
                      redisConnections.destroy();
                    }),
            "close-subscriptions");
    closing.setDaemon(true);
    closing.start();
    try {
      closing.join(LONGEST_CLOSE.toMillis());
      if (closing.isAlive()) {
        LOG.warn("The subscriptions did not end within {}: left as they are", LONGEST_CLOSE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void await(String what, Runnable attempt) {
    int failures = 0;
    while (true) {
      if (stopAsked) {
        throw new IllegalStateException("Stopped while waiting for " + what);
      }
      try {
        attempt.run();
        if (failures > 0) {
          LOG.info("{} is there", what);
        }
        return;
      } catch (JedisException | LedgerAway | org.flywaydb.core.api.FlywayException e) {
        if (e instanceof org.flywaydb.core.api.FlywayException && !Reach.isAway(e)) {
          throw e;
        }
        failures++;
        Duration pause = Backoff.after(failures);
        LOG.warn(
            "Waiting for {} ({}): next try in {} ms",
            what,
            e.getMessage().lines().findFirst().orElse(""),
            pause.toMillis());
        waiting.pause(pause);
      }
    }
  }

  private static void quietly(String trouble, Runnable work) {
    try {
      work.run();
    } catch (RuntimeException e) {
      LOG.warn("While stopping: {}: {}", trouble, e.toString());
    }
  }

  /**
   * Routes that are half started cannot be stopped; a start that waits for a store ends at once.
   */
  private void awaitStart() {
    try {
      if (!starting.await(LONGEST_START.toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.warn("The start did not end within {}: stopping all the same", LONGEST_START);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void awaitStopped() {
    try {
      stopped.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
