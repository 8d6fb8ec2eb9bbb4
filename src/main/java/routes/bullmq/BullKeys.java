package routes.bullmq;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;

/**
 * Names of the keys of one queue. On a Redis Cluster the prefix has to hold a hash tag, as in
 * {@code {bull}}, since the scripts touch several of them at once.
 */
record BullKeys(String prefix, String queue) {
  /** The queue's own, in the order in which every script expects them. */
  private static final List<String> OWN =
      List.of(
          "wait",
          "active",
          "prioritized",
          "delayed",
          "paused",
          "completed",
          "failed",
          "stalled",
          "stalled-check",
          "limiter",
          "marker",
          "meta",
          "events",
          "pc",
          "id",
          "metrics:completed",
          "metrics:completed:data",
          "metrics:failed",
          "metrics:failed:data");

  /** What all of them begin with. */
  String base() {
    return prefix + ":" + queue + ":";
  }

  /**
   * What BullMQ calls the connection on which a worker waits for jobs: its {@code getWorkers()}
   * finds workers by that, and by nothing else.
   *
   * @param worker its name; may be empty
   */
  String connection(String worker) {
    String encoded = Base64.getEncoder().encodeToString(queue.getBytes(StandardCharsets.UTF_8));
    String name = prefix + ":" + encoded + (worker.isEmpty() ? "" : ":w:" + worker);
    // With any other character in it, Redis refuses the name, and with it the connection.
    return name.replaceAll("[^!-~]", "?");
  }

  String of(String name) {
    return base() + name;
  }

  String lock(String id) {
    return base() + id + ":lock";
  }

  String logs(String id) {
    return base() + id + ":logs";
  }

  /**
   * @param more keys that only this script needs
   */
  List<String> own(String... more) {
    return Stream.concat(OWN.stream().map(this::of), Stream.of(more)).toList();
  }

  /** The same, with those of one job. */
  List<String> with(String id) {
    return own(of(id), lock(id), logs(id));
  }
}
