package routes.operator;

import static routes.operator.HttpAnswers.by;
import static routes.operator.HttpAnswers.number;
import static routes.operator.HttpAnswers.oneOf;
import static routes.operator.HttpAnswers.parameter;
import static routes.operator.HttpAnswers.seesEmails;
import static routes.operator.HttpAnswers.taskId;

import io.vertx.ext.web.RoutingContext;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import routes.Parts;
import routes.command.TaskLog;
import routes.job.Flight;
import routes.job.Sandbox;
import routes.ledger.History;
import routes.ledger.JobBook;
import routes.settings.Settings;

/** Jobs over HTTP: found, shown, set going again, ended. */
final class HttpJobs {
  private static final int LARGEST_PAGE = 500;
  private static final int MOST_AT_ONCE = 10_000;
  private static final int HISTORY = 200;

  private final Parts parts;
  private final Settings settings;
  private final LastProgress progress;

  HttpJobs(Parts parts, LastProgress progress) {
    this.parts = parts;
    this.settings = parts.settings();
    this.progress = progress;
  }

  Object list(RoutingContext context) {
    String state = oneOf(context, "state", "", JobBook.STATES);
    int page = number(context, "page", 1, 1_000_000);
    int size = number(context, "size", 50, LARGEST_PAGE);
    List<JobBook.Entry> found =
        parts.jobs().list(state, parameter(context, "q", ""), size + 1, (page - 1) * size);
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("page", page);
    all.put("size", size);
    all.put("more", found.size() > size);
    all.put(
        "jobs",
        found.stream().limit(size).map(job -> described(job, seesEmails(context))).toList());
    return all;
  }

  private Map<String, Object> described(JobBook.Entry job, boolean withEmail) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("taskId", job.taskId());
    fields.put("orderId", job.orderId());
    fields.put("email", withEmail ? job.email() : masked(job.email()));
    fields.put("courseUrl", job.courseUrl());
    fields.put("vip", job.vip());
    fields.put("state", job.state());
    fields.put("stage", job.stage());
    fields.put("hold", job.hold());
    fields.put("failedTries", job.attempts());
    fields.put("workersThatDied", job.crashes());
    fields.put("worker", job.worker());
    fields.put("host", job.host());
    fields.put("folder", job.folder());
    fields.put("error", job.lastError());
    fields.put("nextAt", job.nextAt());
    fields.put("waitUntil", job.waitUntil());
    fields.put("times", job.times());
    fields.put("updatedAt", job.updatedAt());
    if (job.state().equals("running")) {
      LastProgress.Said said = progress.of(job).orElse(null);
      fields.put("percent", said == null ? percentHere(job) : Integer.valueOf(said.percent()));
      fields.put("file", said == null ? null : said.file());
    }
    return fields;
  }

  /** For as long as Redis, through which it is heard, is away. */
  private Integer percentHere(JobBook.Entry job) {
    return parts.flights().all().stream()
        .filter(flight -> flight.taskId() == job.taskId() && flight.percent() >= 0)
        .map(Flight::percent)
        .findFirst()
        .orElse(null);
  }

  /** First letter and domain: enough to know one's own. */
  static String masked(String email) {
    int at = email.lastIndexOf('@');
    return at < 1
        ? "…"
        : email.substring(0, email.offsetByCodePoints(0, 1)) + "…" + email.substring(at);
  }

  Object show(RoutingContext context) {
    long taskId = taskId(context);
    JobBook.Entry job =
        parts
            .jobs()
            .find(taskId)
            .orElseThrow(
                () -> new HttpAnswers.Problem(404, "task " + taskId + ": there is no such job"));
    List<History.Entry> history = parts.history().of(taskId, HISTORY);
    Map<String, Object> fields = described(job, seesEmails(context));
    fields.put("shopStatus", job.status());
    fields.put("deliveryId", job.deliveryId());
    fields.put("next", Reading.next(job, parts.holds().all(), settings.enrolment().poll()));
    fields.put("log", TaskLog.fileOf(settings.logs().directory(), taskId).toString());
    fields.put("sandbox", Sandbox.of(settings.download().staging(), taskId).path().toString());
    fields.put("tries", Tries.of(job, history));
    fields.put("history", history);
    return fields;
  }

  Object retry(RoutingContext context) {
    long taskId = taskId(context);
    parts.desk().retry(taskId, parameter(context, "from", null), by(context));
    return Map.of("taskId", taskId, "state", "ready");
  }

  /** Says how many it would be, unless it is told to do it. */
  Object retryMany(RoutingContext context) {
    String state = oneOf(context, "state", "dead", List.of("dead", "cancelled"));
    String from = parameter(context, "from", null);
    List<Long> matching = parts.jobs().ids(state, parameter(context, "q", ""), MOST_AT_ONCE);
    if (!parameter(context, "dryRun", "true").equals("false")) {
      return Map.of("dryRun", true, "matching", matching.size());
    }
    Desk.Retried retried = parts.desk().retry(matching, from, by(context));
    return Map.of("dryRun", false, "going", retried.going().size(), "refused", retried.refused());
  }

  Object cancel(RoutingContext context) {
    long taskId = taskId(context);
    parts.desk().cancel(taskId, by(context));
    return Map.of("taskId", taskId, "state", "cancelled");
  }
}
