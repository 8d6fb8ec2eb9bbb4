package routes.monitoring;

import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.camel.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.ShutdownRunningTask;
import org.apache.camel.api.management.ManagedAttribute;
import org.apache.camel.api.management.ManagedResource;
import org.apache.camel.spi.ShutdownAware;
import org.apache.camel.support.DefaultComponent;
import org.apache.camel.support.DefaultConsumer;
import org.apache.camel.support.DefaultEndpoint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives routes what happens in this process: {@code events:DEAD,REJECTED?queueSize=1000}, or {@code
 * events:all}. The body is a map of the event's fields. Each consumer has a queue and a thread of
 * its own; when it reads more slowly than things happen, events are dropped, and no job waits.
 */
public final class EventsComponent extends DefaultComponent {
  private static final Logger LOG = LoggerFactory.getLogger(EventsComponent.class);

  /** A path that names every event. */
  private static final String ALL = "all";

  private static final Duration SILENCE = Duration.ofMinutes(1);

  private final Events events;
  private final Clock clock;

  public EventsComponent(Events events, Clock clock) {
    this.events = events;
    this.clock = clock;
  }

  @Override
  protected Endpoint createEndpoint(String uri, String remaining, Map<String, Object> parameters)
      throws Exception {
    EventsEndpoint endpoint = new EventsEndpoint(uri, this, wanted(remaining));
    setProperties(endpoint, parameters);
    return endpoint;
  }

  private static Set<Event> wanted(String names) {
    if (names.isBlank() || names.equals(ALL)) {
      return EnumSet.allOf(Event.class);
    }
    Set<Event> wanted = EnumSet.noneOf(Event.class);
    for (String name : names.split(",")) {
      try {
        wanted.add(Event.valueOf(name.strip()));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "events: expected 'all' or names of "
                + Arrays.toString(Event.values())
                + ", found '"
                + name
                + "'",
            e);
      }
    }
    return wanted;
  }

  /** The events of one {@code events:} URI. */
  @ManagedResource(description = "Events of this worker")
  public static final class EventsEndpoint extends DefaultEndpoint {
    private final EventsComponent component;
    private final Set<Event> wanted;
    private final AtomicLong dropped = new AtomicLong();
    private int queueSize = 1000;

    EventsEndpoint(String uri, EventsComponent component, Set<Event> wanted) {
      super(uri, component);
      this.component = component;
      this.wanted = wanted;
    }

    /** How many events may wait for the route. */
    public void setQueueSize(int number) {
      queueSize = number;
    }

    @ManagedAttribute(description = "Events dropped because the route was too slow")
    public long getDropped() {
      return dropped.get();
    }

    @Override
    public Producer createProducer() {
      throw new UnsupportedOperationException("events: only consumes: jobs alone make events");
    }

    @Override
    public Consumer createConsumer(Processor processor) throws Exception {
      EventsConsumer consumer = new EventsConsumer(this, processor);
      configureConsumer(consumer);
      return consumer;
    }
  }

  /** Stopped after the jobs' routes: what happens to jobs that end within the grace is told. */
  private static final class EventsConsumer extends DefaultConsumer
      implements ShutdownAware, Events.Observer {
    private final EventsEndpoint endpoint;
    private final BlockingQueue<Map<String, Object>> waiting;
    private final AtomicLong toldAt = new AtomicLong(Long.MIN_VALUE);
    private ExecutorService thread;

    EventsConsumer(EventsEndpoint endpoint, Processor processor) {
      super(endpoint, processor);
      this.endpoint = endpoint;
      this.waiting = new ArrayBlockingQueue<>(endpoint.queueSize);
    }

    @Override
    public void see(Event event, Map<String, Object> fields) {
      if (!endpoint.wanted.contains(event) || waiting.offer(fields)) {
        return;
      }
      long all = endpoint.dropped.incrementAndGet();
      long now = endpoint.component.clock.millis();
      long before = toldAt.get();
      if (now - SILENCE.toMillis() >= before && toldAt.compareAndSet(before, now)) {
        LOG.warn(
            "Route {} reads events more slowly than things happen: {} were dropped",
            getRouteId(),
            all);
      }
    }

    @Override
    protected void doStart() throws Exception {
      super.doStart();
      thread =
          endpoint
              .getCamelContext()
              .getExecutorServiceManager()
              .newSingleThreadExecutor(this, "events");
      thread.submit(this::giveAll);
      endpoint.component.events.observe(this);
    }

    @Override
    protected void doStop() throws Exception {
      endpoint.component.events.forget(this);
      endpoint.getCamelContext().getExecutorServiceManager().shutdownNow(thread);
      super.doStop();
    }

    private void giveAll() {
      while (isRunAllowed()) {
        try {
          Map<String, Object> next = waiting.poll(1, TimeUnit.SECONDS);
          if (next != null) {
            give(next);
          }
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return;
        }
      }
    }

    private void give(Map<String, Object> event) {
      Exchange exchange = createExchange(false);
      exchange.getMessage().setBody(event);
      try {
        getProcessor().process(exchange);
      } catch (Exception e) {
        exchange.setException(e);
      }
      if (exchange.getException() != null) {
        getExceptionHandler()
            .handleException("An event could not be worked on", exchange, exchange.getException());
      }
      releaseExchange(exchange, false);
    }

    @Override
    public boolean deferShutdown(ShutdownRunningTask task) {
      return true;
    }

    @Override
    public int getPendingExchangesSize() {
      // Events that still wait are news, and must not keep the process from stopping.
      return 0;
    }

    @Override
    public void prepareShutdown(boolean suspendOnly, boolean forced) {
      // nothing to prepare
    }
  }
}
