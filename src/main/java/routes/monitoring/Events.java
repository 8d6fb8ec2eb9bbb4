package routes.monitoring;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.job.Flight;

/**
 * Tells what happens: one JSON object a line in the lifecycle log, the same on the Redis channel,
 * and a count.
 */
public final class Events implements EventsMBean {
  /** Name of the logger whose lines are the lifecycle log. */
  public static final String LIFECYCLE = "waybill.lifecycle";

  private static final Logger LIFECYCLE_LOG = LoggerFactory.getLogger(LIFECYCLE);
  private static final ObjectMapper JSON = JsonEscapes.in(new ObjectMapper());

  private final Clock clock;
  private final Supplier<String> worker;
  private final Redactor redactor;
  private final Map<Event, LongAdder> counts = new EnumMap<>(Event.class);
  private volatile Consumer<String> publisher = line -> {};
  private volatile Recorder recorder = (event, taskId, stage, worker, ms, exitCode, detail) -> {};
  private final List<Observer> observers = new CopyOnWriteArrayList<>();

  /** Keeps events for whoever asks about a task later. Must neither block nor throw. */
  public interface Recorder {
    /**
     * @param exitCode of the program that ended badly; null if none did
     */
    void add(
        String event,
        long taskId,
        String stage,
        String worker,
        Long ms,
        Integer exitCode,
        String detail);
  }

  /** Sees every event of this process as it happens. Must neither block nor throw. */
  public interface Observer {
    /**
     * @param fields as they are on the Redis channel; not to be changed
     */
    void see(Event event, Map<String, Object> fields);
  }

  public Events(Clock clock, Supplier<String> worker, Redactor redactor) {
    this.clock = clock;
    this.worker = worker;
    this.redactor = redactor;
    for (Event event : Event.values()) {
      counts.put(event, new LongAdder());
    }
  }

  /**
   * @param publisher takes each event as JSON; must neither block nor throw
   */
  public void publishTo(Consumer<String> publisher) {
    this.publisher = publisher;
  }

  public void recordTo(Recorder newRecorder) {
    recorder = newRecorder;
  }

  public void observe(Observer observer) {
    observers.add(observer);
  }

  public void forget(Observer observer) {
    observers.remove(observer);
  }

  private void show(Event event, Map<String, Object> line) {
    if (!observers.isEmpty()) {
      Map<String, Object> fields = Collections.unmodifiableMap(line);
      observers.forEach(observer -> observer.see(event, fields));
    }
  }

  /**
   * Something happened to a job that this worker holds; {@code ms} is the time since its try began.
   */
  public void tell(Event event, Flight flight, String stage, String detail) {
    tell(event, flight.taskId(), flight.orderId(), stage, flight.elapsedMillis(), detail);
  }

  /**
   * A try of a stage has failed.
   *
   * @param exitCode of the program that ended badly; null if none did
   */
  public void tellFailure(
      Event event, Flight flight, String stage, Integer exitCode, String reason) {
    long ms = flight.elapsedMillis();
    tell(event, flight.taskId(), flight.orderId(), stage, ms, exitCode, reason);
  }

  /**
   * @param taskId null if it could not be read
   * @param orderId null if not known
   * @param ms null if it took no time worth telling
   */
  public void tell(Event event, Long taskId, String orderId, String stage, Long ms, String detail) {
    tell(event, taskId, orderId, stage, ms, null, detail);
  }

  private void tell(
      Event event,
      Long taskId,
      String orderId,
      String stage,
      Long ms,
      Integer exitCode,
      String detail) {
    counts.get(event).increment();
    String who = worker.get();
    String cleaned = detail == null ? null : redactor.clean(detail);
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("at", clock.instant().truncatedTo(ChronoUnit.MILLIS).toString());
    line.put("event", event.name());
    line.put("taskId", taskId);
    line.put("orderId", orderId);
    line.put("worker", who);
    line.put("stage", stage);
    line.put("ms", ms);
    line.put("detail", cleaned);
    String json = write(line);
    LIFECYCLE_LOG.info(json);
    publisher.accept(json);
    show(event, line);
    if (taskId != null && event.isIrregular()) {
      recorder.add(event.name(), taskId, stage, who, ms, exitCode, cleaned);
    }
  }

  /**
   * @param file what is under way; null if not known
   */
  public void progress(Flight flight, int percent, String file) {
    if (!flight.progressed(percent)) {
      return;
    }
    counts.get(Event.PROGRESS).increment();
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("at", clock.instant().truncatedTo(ChronoUnit.MILLIS).toString());
    line.put("event", Event.PROGRESS.name());
    line.put("taskId", flight.taskId());
    line.put("orderId", flight.orderId());
    line.put("worker", worker.get());
    line.put("stage", next(flight));
    line.put("percent", percent);
    line.put("file", file == null ? null : redactor.clean(file));
    publisher.accept(write(line));
    show(Event.PROGRESS, line);
  }

  @Override
  public Map<String, Long> getCounts() {
    Map<String, Long> all = new LinkedHashMap<>();
    counts.forEach((event, count) -> all.put(event.name(), count.sum()));
    return all;
  }

  private static String next(Flight flight) {
    return flight.stage().remainingWork().stream().findFirst().orElse(null);
  }

  private static String write(Map<String, Object> line) {
    try {
      return JSON.writeValueAsString(line);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
