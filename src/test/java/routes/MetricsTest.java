package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import servers.Ports;
import servers.Shop;

/** What a worker tells Prometheus and whoever asks for its health, over real HTTP. */
class MetricsTest extends WorkerTest {
  private final HttpClient http = HttpClient.newHttpClient();
  private int port;

  private WorkerProcess start(String... overrides) throws Exception {
    port = Ports.free();
    List<String> all =
        new ArrayList<>(
            List.of("WAYBILL_HTTP_PORT", String.valueOf(port), "WAYBILL_WATCH_PERIOD", "100ms"));
    all.addAll(List.of(overrides));
    return startWorker(all.toArray(String[]::new));
  }

  private HttpResponse<String> get(String path) throws Exception {
    return http.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private String scrape() throws Exception {
    HttpResponse<String> answer = get("/observe/metrics");
    assertEquals(200, answer.statusCode());
    return answer.body();
  }

  private void awaitLine(String line) {
    until(() -> scrape().lines().anyMatch(line::equals), line);
  }

  private void awaitReady(int status, String part) {
    until(
        () -> {
          HttpResponse<String> answer = get("/observe/health/ready");
          return answer.statusCode() == status && answer.body().contains(part);
        },
        "ready is " + status + " with " + part);
  }

  @Test
  void should_count_jobs_and_tries() throws Exception {
    start("WAYBILL_RETRY_TRIES", "2");
    long done = shop.order("ok");
    long dead = shop.order("fails-always");
    awaitState(done, "done");
    awaitState(dead, "dead");
    shop.push(done, Shop.url("ok"));

    awaitLine("waybill_jobs_total{outcome=\"completed\",stage=\"none\"} 1.0");
    awaitLine("waybill_jobs_total{outcome=\"dead\",stage=\"download\"} 1.0");
    awaitLine("waybill_jobs_total{outcome=\"duplicate\",stage=\"none\"} 1.0");
    awaitLine("waybill_retries_total{stage=\"download\"} 1.0");
    awaitLine("waybill_stage_seconds_count{outcome=\"error\",stage=\"download\"} 2");
    awaitLine("waybill_stage_seconds_count{outcome=\"success\",stage=\"upload\"} 1");
    awaitLine("waybill_stage_seconds_count{outcome=\"success\",stage=\"post-webhook\"} 1");
    awaitLine("waybill_stage_seconds_count{outcome=\"success\",stage=\"clean-up\"} 1");
    awaitLine("waybill_ledger_jobs{state=\"dead\"} 1.0");
    awaitLine("waybill_ended_last_hour{outcome=\"done\"} 1.0");
    awaitLine("waybill_workers_alive 1.0");
    String all = scrape();
    for (String about : List.of("nguy", "example.com", "Course " + done, "task_id", "taskId")) {
      assertFalse(all.contains(about), "a scrape shows " + about);
    }
  }

  @Test
  void should_show_what_runs_waits_and_is_held_back() throws Exception {
    WorkerProcess worker = start("WORKER_COUNT", "3", "WAYBILL_LIMIT_PER_COURSE", "1");
    long taskId = shop.order("gated");
    awaitEvent(taskId, "DOWNLOAD_START");
    worker.parts().holds().pause(Shop.INBOX);
    worker.parts().holds().hold("upload", java.time.Duration.ofHours(1), "quota", true);
    shop.redis().lpush("another:list", "of somebody else");

    awaitLine("waybill_slots 3.0");
    awaitLine("waybill_slots_busy 1.0");
    awaitLine("waybill_programs_running 1.0");
    awaitLine("waybill_ledger_jobs{state=\"running\"} 1.0");
    awaitLine("waybill_queue_paused{queue=\"" + Shop.INBOX + "\"} 1.0");
    awaitLine("waybill_queue_paused{queue=\"" + Shop.VIP_INBOX + "\"} 0.0");
    awaitLine("waybill_hold{name=\"upload\"} 1.0");
    awaitLine("waybill_alert_active{alert=\"breaker-open\"} 1.0");
    awaitLine("waybill_pool_connections{pool=\"database\",state=\"max\"} 8.0");
    awaitLine("waybill_pool_connections{pool=\"webhook\",state=\"max\"} 3.0");
    awaitLine("waybill_pool_connections{pool=\"redis\",state=\"max\"} 13.0");
    shop.goOn(taskId);
  }

  @Test
  void should_count_what_the_delivery_cache_saves() throws Exception {
    start("WAYBILL_CACHE_ENABLED", "true");
    awaitState(shop.order("ok"), "done");
    awaitState(shop.order("ok"), "done");

    awaitLine("waybill_cache_total{result=\"hit\"} 1.0");
    awaitLine("waybill_cache_total{result=\"miss\"} 1.0");
  }

  @Test
  void should_document_every_metric_of_its_own() throws Exception {
    start("WAYBILL_QUEUE_SOURCE", "list,bullmq");
    awaitState(shop.order("ok"), "done");
    Set<String> told = new TreeSet<>();
    Matcher type = Pattern.compile("(?m)^# TYPE (waybill_\\w+) ").matcher(scrape());
    while (type.find()) {
      told.add(type.group(1));
    }

    String page = Files.readString(Path.of("docs", "metrics.md"));
    Set<String> documented = new TreeSet<>();
    Matcher row = Pattern.compile("(?m)^\\| `(waybill_\\w+)").matcher(page);
    while (row.find()) {
      documented.add(row.group(1));
    }
    documented.removeIf(name -> name.equals("waybill_stage_seconds_max"));
    told.removeIf(name -> name.equals("waybill_stage_seconds_max"));
    assertTrue(told.size() > 15, told.toString());
    assertEquals(documented, told);
  }

  @Test
  void should_be_ready_only_with_all_that_a_job_needs() throws Exception {
    WorkerProcess worker = start();
    awaitReady(200, "UP");
    Path downloader = shop.downloader();
    Files.setPosixFilePermissions(downloader, Set.of());

    worker.parts().watch().lookForPrograms(() -> false);
    awaitReady(503, "expected a program that can be run");
    assertEquals(200, get("/observe/health/live").statusCode());
    Files.setPosixFilePermissions(
        downloader, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
    worker.parts().watch().lookForPrograms(() -> false);
    awaitReady(200, "UP");

    worker.parts().flights().beginStop();
    awaitReady(503, "the process stops");
  }

  @Test
  void should_not_be_ready_without_a_remote_or_room() throws Exception {
    start("RCLONE_REMOTE", "nowhere", "WAYBILL_DISK_MIN_FREE", "1000TiB");

    awaitReady(503, "nowhere");
    awaitReady(503, "too little is free");
  }
}
