package routes.monitoring;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.ledger.AlertBook;
import routes.ledger.Census;
import routes.ledger.Holds;
import routes.ledger.LedgerAway;
import routes.ledger.Worker;
import routes.settings.Watching;

/**
 * Judges what {@link Watch} has seen. An alert is told once when it begins and once when it is
 * over, by one of all the processes that see it. It begins and ends when two looks in a row say so,
 * so that a single odd moment tells nobody anything.
 */
public final class Alerts {
  /** Names, as events, gauges, rules and the runbook in docs/operations.md have them. */
  public static final List<String> NAMES =
      List.of(
          "failure-rate",
          "slow-throughput",
          "backlog",
          "slow-stage",
          "no-progress",
          "disk-low",
          "dead-growing",
          "breaker-open");

  private static final Logger LOG = LoggerFactory.getLogger(Alerts.class);

  private static final int LOOKS = 2;
  private static final int LEAST_DEAD = 2;

  /** After so many looks without a word from whoever raised it, it is over. */
  private static final int FORGOTTEN_LOOKS = 8;

  private static final long SHORTEST_FORGOTTEN_SECONDS = 10;

  /**
   * What somebody has to hear.
   *
   * @param over whether it has ended
   */
  public record Told(String name, String detail, boolean over) {
    /** For a person. */
    public String text() {
      return "Waybill: " + name + (over ? " is over: " : ": ") + detail;
    }
  }

  private record Key(String name, String scope) {}

  private final Watch watch;
  private final AlertBook book;
  private final Events events;
  private final Watching settings;
  private final Supplier<Worker> worker;

  /** Looks in a row that say so; negative: that say otherwise. */
  private final Map<Key, Integer> looks = new ConcurrentHashMap<>();

  private final Map<Key, String> standing = new ConcurrentHashMap<>();

  /** Told while the book could not be reached. */
  private final Set<Key> unwritten = ConcurrentHashMap.newKeySet();

  public Alerts(
      Watch watch, AlertBook book, Events events, Watching settings, Supplier<Worker> worker) {
    this.watch = watch;
    this.book = book;
    this.events = events;
    this.settings = settings;
    this.worker = worker;
  }

  /**
   * To be called after each look.
   *
   * @return what is this process's to tell; it is logged, and told as an event, already
   */
  public List<Told> judge() {
    Map<Key, String> seen = seen();
    Set<Key> all = new TreeSet<>(java.util.Comparator.comparing(Key::toString));
    all.addAll(seen.keySet());
    all.addAll(standing.keySet());
    all.addAll(looks.keySet());
    List<Told> told = new ArrayList<>();
    for (Key key : all) {
      String detail = seen.get(key);
      int row = looks.merge(key, 0, (before, zero) -> before);
      row = detail == null ? Math.min(row, 0) - 1 : Math.max(row, 0) + 1;
      looks.put(key, row);
      if (row >= LOOKS) {
        boolean isNew = standing.put(key, detail) == null;
        if (raise(key, detail, isNew)) {
          told.add(tell(key, detail, false));
        }
      } else if (row <= -LOOKS) {
        looks.remove(key);
        String last = standing.remove(key);
        if (last != null && clear(key)) {
          told.add(tell(key, last, true));
        }
      }
    }
    told.addAll(endForgotten());
    return told;
  }

  /** Whether this process sees it, by name. */
  public boolean stands(String name) {
    return standing.keySet().stream().anyMatch(key -> key.name().equals(name));
  }

  private Told tell(Key key, String detail, boolean over) {
    Told told = new Told(key.name(), detail, over);
    LOG.warn("{}", told.text());
    events.tell(
        over ? Event.ALERT_OVER : Event.ALERT, null, null, null, null, key.name() + ": " + detail);
    return told;
  }

  /** The book is left alone while the database is away: each question would wait for it. */
  private boolean raise(Key key, String detail, boolean isNew) {
    if (!watch.isFresh()) {
      return isNew && unwritten.add(key);
    }
    try {
      boolean first = book.raise(key.name(), key.scope(), detail);
      boolean told = unwritten.remove(key);
      return first && !told;
    } catch (LedgerAway e) {
      return isNew && unwritten.add(key);
    }
  }

  private boolean clear(Key key) {
    boolean own = unwritten.remove(key);
    if (!watch.isFresh()) {
      // Whatever stands in the book is nobody's there any more, and its end is told from it later.
      return own;
    }
    try {
      return book.clear(key.name(), key.scope()) || own;
    } catch (LedgerAway e) {
      LOG.debug("The end of {} could not be written down", key, e);
      return own;
    }
  }

  /** A worker that is gone, or was told other limits, does not end what it raised. */
  private List<Told> endForgotten() {
    List<Told> told = new ArrayList<>();
    if (!watch.isFresh()) {
      return told;
    }
    try {
      long seconds =
          Math.max(
              SHORTEST_FORGOTTEN_SECONDS,
              settings.period().multipliedBy(FORGOTTEN_LOOKS).toSeconds());
      for (AlertBook.Alert alert : book.forgotten(seconds)) {
        if (book.clear(alert.name(), alert.scope())) {
          told.add(tell(new Key(alert.name(), alert.scope()), alert.detail(), true));
        }
      }
    } catch (LedgerAway e) {
      LOG.debug("Nobody's alerts could not be looked for", e);
    }
    return told;
  }

  /** What is wrong now, and the words for it. */
  private Map<Key, String> seen() {
    Map<Key, String> seen = new LinkedHashMap<>();
    if (watch.isFresh()) {
      ofAll(seen, watch.count());
    } else {
      // Not known is neither over nor new: what stands goes on.
      standing.forEach(
          (key, detail) -> {
            if (key.scope().isEmpty()) {
              seen.put(key, detail);
            }
          });
    }
    watch
        .fetchAges()
        .forEach(
            (route, seconds) -> {
              if (seconds * 1000 > settings.noProgress().toMillis()) {
                seen.put(
                    new Key("no-progress", worker.get().id()),
                    text(
                        "%s of worker %s has not asked its queue for %.0f s",
                        route, worker.get().id(), seconds));
              }
            });
    if (watch.bullmq().refused() != null) {
      seen.put(
          new Key("no-progress", worker.get().id()),
          text(
              "worker %s takes nothing of the BullMQ queue: %s",
              worker.get().id(), watch.bullmq().refused()));
    }
    long free = watch.diskFree();
    if (free < settings.diskFree()) {
      String host = worker.get().host();
      seen.put(
          new Key("disk-low", host), text("%d MiB are free for sandboxes on %s", free >> 20, host));
    }
    return seen;
  }

  private void ofAll(Map<Key, String> seen, Census.Count count) {
    long ended = count.doneLastHour() + count.deadLastHour();
    if (count.deadLastHour() >= LEAST_DEAD
        && count.deadLastHour() * 100 > ended * settings.failurePercent()) {
      add(
          seen,
          "failure-rate",
          text("%d of the %d jobs that ended within the hour died", count.deadLastHour(), ended));
    }
    if (count.lying() > 0 && count.donePerMinute() < settings.leastPerMinute()) {
      add(
          seen,
          "slow-throughput",
          text(
              "%.1f jobs a minute are delivered, %d are ready for longer than a minute",
              count.donePerMinute(), count.lying()));
    }
    if (count.due() > settings.backlog()) {
      add(seen, "backlog", count.due() + " jobs are ready");
    }
    if (count.deadLastHour() >= settings.dead()) {
      add(seen, "dead-growing", count.deadLastHour() + " jobs died within the hour");
    }
    List<String> slow = new ArrayList<>();
    settings
        .averages()
        .forEach(
            (stage, longest) -> {
              double seconds = count.averageSeconds().getOrDefault(stage, 0.0);
              if (seconds * 1000 > longest.toMillis()) {
                slow.add(
                    text(
                        "%s takes %.1f s on average, more than %s",
                        stage, seconds, words(longest)));
              }
            });
    if (!slow.isEmpty()) {
      add(seen, "slow-stage", String.join("; ", slow));
    }
    List<String> open =
        watch.holds().stream()
            .filter(hold -> !hold.name().startsWith(Holds.QUEUE))
            .map(hold -> hold.name() + ": " + hold.reason())
            .toList();
    if (!open.isEmpty()) {
      add(seen, "breaker-open", String.join("; ", open));
    }
  }

  private static String words(Duration duration) {
    return duration.toMillis() % 1000 == 0
        ? duration.toSeconds() + " s"
        : duration.toMillis() + " ms";
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  private static void add(Map<Key, String> seen, String name, String detail) {
    seen.put(new Key(name, ""), detail);
  }
}
