package demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the person at the demo sees: a table that is drawn anew on a terminal, plain lines
 * otherwise.
 */
final class Board {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int BAR = 20;

  private final PrintStream out;
  private final boolean terminal;
  private final Map<Long, Task> tasks = new LinkedHashMap<>();
  private int rejected;
  private int drawn;

  Board(PrintStream out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  synchronized void add(Task task) {
    tasks.put(task.id, task);
    draw();
  }

  synchronized int rejected() {
    return rejected;
  }

  synchronized boolean allEnded() {
    return tasks.values().stream().allMatch(Task::ended);
  }

  /** One event, as it came over Redis. */
  synchronized void hear(String message) {
    try {
      JsonNode event = JSON.readTree(message);
      String name = event.path("event").asText();
      Task task = tasks.get(event.path("taskId").asLong());
      if (name.equals("REJECTED")) {
        rejected++;
      }
      if (task != null) {
        apply(task, name, event);
      }
      if (terminal) {
        draw();
      } else if (!name.equals("PROGRESS") || event.path("percent").asInt() % 25 == 0) {
        out.printf(
            "%s  %-16s %s%n",
            event.path("at").asText(),
            name,
            (task == null ? "" : "task " + task.id + "  ")
                + (name.equals("PROGRESS")
                    ? event.path("stage").asText() + " " + event.path("percent").asInt() + "%"
                    : event.path("detail").asText("")));
      }
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      out.println("An event that is no JSON: " + message);
    }
  }

  private void apply(Task task, String name, JsonNode event) {
    switch (name) {
      case "WAITING" -> task.state = "waits for its enrolment";
      case "ENROLLED" -> task.state = "ready";
      case "DOWNLOAD_START" -> begin(task, "downloads");
      case "UPLOAD_START" -> begin(task, "uploads");
      case "PROGRESS" -> task.percent = event.path("percent").asInt();
      case "DOWNLOAD_SUCCESS" -> end(task, "download", event);
      case "UPLOAD_SUCCESS" -> end(task, "upload", event);
      case "WEBHOOK_SUCCESS" -> end(task, "webhook", event);
      case "DOWNLOAD_ERROR", "UPLOAD_ERROR", "WEBHOOK_ERROR" -> {
        task.state = "tries again soon";
        task.why = event.path("detail").asText();
      }
      case "RETRY" -> task.retries++;
      case "DUPLICATE" -> task.duplicates++;
      case "CLEANUP" -> task.state = "delivered";
      case "DEAD" -> {
        task.state = "failed";
        task.why = event.path("detail").asText();
      }
      default -> {
        // nothing on the board changes
      }
    }
  }

  private static void begin(Task task, String doing) {
    task.state = doing;
    task.percent = 0;
  }

  private static void end(Task task, String stage, JsonNode event) {
    task.millis.merge(stage, event.path("ms").asLong(), Long::sum);
    task.percent = -1;
  }

  private void draw() {
    if (!terminal) {
      return;
    }
    StringBuilder text = new StringBuilder();
    if (drawn > 0) {
      text.append("\033[").append(drawn).append('A');
    }
    for (Task task : tasks.values()) {
      text.append(
          String.format(
              "\033[2K  task %-4d %-40s %-24s %s%n",
              task.id, task.story, task.state, bar(task.percent)));
    }
    text.append(String.format("\033[2K  rejected payloads: %d%n", rejected));
    drawn = tasks.size() + 1;
    out.print(text);
    out.flush();
  }

  private static String bar(int percent) {
    if (percent < 0) {
      return "";
    }
    int full = percent * BAR / 100;
    return "[" + "#".repeat(full) + ".".repeat(BAR - full) + "] " + percent + "%";
  }
}
