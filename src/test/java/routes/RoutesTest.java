package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.camel.Route;
import org.apache.camel.component.exec.ExecEndpoint;
import org.apache.camel.processor.errorhandler.RedeliveryPolicy;
import org.junit.jupiter.api.Test;
import routes.queue.RedisBellComponent.RedisBellEndpoint;
import routes.queue.RedisListComponent.RedisListEndpoint;
import servers.Shop;

class RoutesTest extends WorkerTest {
  @Test
  void should_have_exactly_the_routes_that_dashboards_expect() throws Exception {
    WorkerProcess worker = startWorker();

    assertEquals(
        new TreeSet<>(
            Set.of(
                "take-payload",
                "reject-payload",
                "await-enrolment",
                "wake-enrolled",
                "claim-job",
                "download",
                "run-downloader",
                "upload",
                "run-rclone",
                "post-webhook",
                "send-webhook",
                "clean-up",
                "remove-sandbox",
                "reuse-delivery",
                "bury-job",
                "keep-house",
                "publish-events",
                "reconcile",
                "watch",
                "post-alert",
                "send-alert",
                "find-programs",
                "follow-settings",
                "record-history")),
        worker.camel().getRoutes().stream()
            .map(Route::getRouteId)
            .collect(Collectors.toCollection(TreeSet::new)));
    assertTrue(worker.camel().getRoutes().stream().allMatch(r -> r.getDescription() != null));
  }

  @Test
  void should_bind_settings_to_endpoints_and_policies() throws Exception {
    WorkerProcess worker =
        startWorker(
            "WORKER_COUNT", "7",
            "WAYBILL_QUEUE_INTAKE_CONSUMERS", "4",
            "WAYBILL_RETRY_TRIES", "6",
            "WAYBILL_UPLOAD_RETRY_DELAY", "9s",
            "WAYBILL_RETRY_MAX_DELAY", "2m");

    RedisBellEndpoint bell = (RedisBellEndpoint) worker.camel().getRoute("claim-job").getEndpoint();
    RedisListEndpoint inbox =
        (RedisListEndpoint) worker.camel().getRoute("take-payload").getEndpoint();
    RedeliveryPolicy upload =
        worker.camel().getRegistry().lookupByNameAndType("uploadRetry", RedeliveryPolicy.class);
    assertEquals(7, bell.getConcurrentConsumers());
    assertEquals(4, inbox.getConcurrentConsumers());
    assertEquals(5, upload.getMaximumRedeliveries());
    assertEquals(9_000, upload.getRedeliveryDelay());
    assertEquals(120_000, upload.getMaximumRedeliveryDelay());
    assertTrue(upload.isUseCollisionAvoidance());
    assertEquals(2, upload.getBackOffMultiplier());
    assertNotNull(
        worker.camel().getEndpoints().stream()
            .filter(endpoint -> endpoint instanceof ExecEndpoint)
            .findFirst()
            .orElseThrow());
  }

  @Test
  void should_show_no_secret_and_no_job_to_jmx() throws Exception {
    startWorker();
    long taskId = shop.order("ok");
    awaitState(taskId, "done");
    MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    StringBuilder shown = new StringBuilder();
    for (ObjectName name : server.queryNames(null, null)) {
      if (!name.getDomain().equals("org.apache.camel") && !name.getDomain().equals("waybill")) {
        continue;
      }
      shown.append(name).append('\n');
      for (MBeanAttributeInfo attribute : server.getMBeanInfo(name).getAttributes()) {
        try {
          shown.append(server.getAttribute(name, attribute.getName())).append('\n');
        } catch (Exception notReadable) {
          // what cannot be read shows nothing
        }
      }
    }

    String all = shown.toString();
    assertTrue(all.contains("type=Events"));
    assertTrue(all.contains("claim-job"));
    for (String secret :
        new String[] {
          Shop.SECRET, Shop.SIGNING_SECRET, "db-password", "redis-password", "nguyễn", Shop.HOST
        }) {
      assertFalse(all.contains(secret), "JMX shows " + secret);
    }
  }
}
