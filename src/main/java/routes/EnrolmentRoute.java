package routes;

import static routes.RouteNames.AWAIT_ENROLMENT;
import static routes.RouteNames.WAKE_ENROLLED;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import routes.job.CourseUrl;
import routes.ledger.Ledger;
import routes.ledger.ShopRow;
import routes.monitoring.Event;

/**
 * Moves tasks that wait: all with one look a tick, or one at once when the shop publishes its id.
 */
final class EnrolmentRoute extends RouteBuilder {
  /** As many rows as one look brings. A full look is followed by another at once. */
  private static final int FULL_LOOK = 1000;

  private static final String LOOKED_FULL = "waybill.full-look";

  private final Parts parts;

  EnrolmentRoute(Parts parts) {
    this.parts = parts;
  }

  @Override
  public void configure() {
    from("timer:await-enrolment?period={{waybill.enrolment.poll}}&delay=0")
        .routeId(AWAIT_ENROLMENT)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Looks at all waiting tasks at once and moves those that may go on")
        .setProperty(LOOKED_FULL, constant(true))
        .loopDoWhile(exchangeProperty(LOOKED_FULL))
        .to("sql:classpath:sql/find-movable.sql?dataSource=#database")
        .id("find-movable")
        .process(this::move)
        .id("move-waiting")
        .end();

    from("spring-redis:{{waybill.redis.host}}:{{waybill.redis.port}}?command=SUBSCRIBE"
            + "&channels={{waybill.enrolment.channel}}&connectionFactory=#redisConnections"
            + "&listenerContainer=#redisListener&serializer=#redisStrings")
        .routeId(WAKE_ENROLLED)
        .routeConfigurationId(ErrorHandling.TICKS)
        .description("Moves one waiting task at once when the shop says that it is enrolled")
        .removeHeaders("*")
        .process(this::wake)
        .id("wake-task");
  }

  private void move(Exchange exchange) {
    List<Long> enrolled = new ArrayList<>();
    Map<Long, Map<?, ?>> rows = new java.util.HashMap<>();
    List<?> found = exchange.getMessage().getBody(List.class);
    for (Object element : found) {
      Map<?, ?> row = (Map<?, ?>) element;
      long taskId = ((Number) row.get("taskId")).longValue();
      ShopRow shop =
          new ShopRow(
              row.get("rowId") == null ? null : String.valueOf(row.get("status")),
              (String) row.get("rowUrl"),
              text(row.get("orderId")));
      if (shop.verdict() == ShopRow.Verdict.ENROLLED
          && sameCourse((String) row.get("courseUrl"), shop)) {
        enrolled.add(taskId);
        rows.put(taskId, row);
      } else {
        end(taskId, shop, ((Number) row.get("waitedSeconds")).longValue());
      }
    }
    Set<Long> paused = parts.bullmq().pausedAmong(enrolled);
    enrolled.removeAll(paused);
    List<Ledger.Unrung> ready = new ArrayList<>();
    for (long taskId : parts.admission().enrol(enrolled)) {
      Map<?, ?> row = rows.get(taskId);
      tellEnrolled(taskId, text(row.get("orderId")));
      ready.add(parts.bell().now(taskId, truth(row.get("vip"))));
    }
    parts.bell().ring(ready);
    // Those of a paused queue are found again and again.
    exchange.setProperty(LOOKED_FULL, found.size() >= FULL_LOOK && paused.size() < found.size());
  }

  /** The message is a hint and no more: the database says whether it is true. */
  private void wake(Exchange exchange) {
    String message = exchange.getMessage().getBody(String.class);
    if (message == null || !message.strip().matches("[1-9]\\d{0,15}")) {
      return;
    }
    parts
        .admission()
        .waiting(Long.parseLong(message.strip()))
        .filter(task -> task.shop().verdict() == ShopRow.Verdict.ENROLLED)
        .filter(task -> sameCourse(task.courseUrl(), task.shop()))
        .filter(task -> parts.bullmq().pausedAmong(List.of(task.taskId())).isEmpty())
        .filter(task -> !parts.admission().enrol(List.of(task.taskId())).isEmpty())
        .ifPresent(
            task -> {
              tellEnrolled(task.taskId(), task.shop().orderId());
              parts.bell().ring(task.taskId(), task.vip());
            });
  }

  private void tellEnrolled(long taskId, String orderId) {
    parts.events().tell(Event.ENROLLED, taskId, orderId, null, null, null);
    parts.bullmq().changed(taskId);
  }

  /** A wait that ends without an enrolment. */
  private void end(long taskId, ShopRow shop, long waitedSeconds) {
    switch (shop.verdict()) {
      case DELIVERED -> {
        if (parts.admission().endWaiting(taskId, "done", null, null)) {
          parts.events().tell(Event.DUPLICATE, taskId, shop.orderId(), null, null, null);
        }
      }
      case FAILED -> reject(taskId, shop, "status: expected 'enrolled', found 'failed'", false);
      case MISSING -> reject(taskId, shop, "the row of download_tasks is gone: not found", false);
      case UNEXPECTED -> die(taskId, shop, "unexpected status '" + shop.status() + "'");
      case ENROLLED ->
          reject(
              taskId,
              shop,
              "courseUrl: expected the course_url of the shop's row, found another",
              true);
      case WAIT ->
          die(
              taskId,
              shop,
              "not enrolled after "
                  + waitedSeconds
                  + " s: the status is still '"
                  + shop.status()
                  + "'");
    }
  }

  private void reject(long taskId, ShopRow shop, String reason, boolean markFailed) {
    String errorLog = markFailed ? parts.errorReport().write(AWAIT_ENROLMENT, reason) : null;
    if (parts.admission().endWaiting(taskId, "dead", reason, errorLog)) {
      parts.events().tell(Event.REJECTED, taskId, shop.orderId(), AWAIT_ENROLMENT, null, reason);
    }
  }

  private void die(long taskId, ShopRow shop, String reason) {
    String errorLog = parts.errorReport().write(AWAIT_ENROLMENT, reason);
    if (parts.admission().endWaiting(taskId, "dead", reason, errorLog)) {
      parts.events().tell(Event.DEAD, taskId, shop.orderId(), AWAIT_ENROLMENT, null, reason);
    }
  }

  private static boolean sameCourse(String courseUrl, ShopRow shop) {
    return shop.courseUrl() != null
        && CourseUrl.normalize(shop.courseUrl().strip()).equals(CourseUrl.normalize(courseUrl));
  }

  private static String text(Object value) {
    return value == null ? null : value.toString();
  }

  /** BOOLEAN columns come as booleans or as numbers, as the driver pleases. */
  private static boolean truth(Object value) {
    return value instanceof Boolean bool ? bool : ((Number) value).intValue() != 0;
  }
}
