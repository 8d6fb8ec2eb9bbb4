package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import servers.Browser;
import servers.BrowserTab;
import servers.Ports;
import servers.Shop;

/**
 * The page for people, in a real browser. With {@code -Dscreenshots=<directory>} what it looked
 * like is kept there.
 */
class PageTest extends WorkerTest {
  private static final String TOKEN = "operator-token-33d0";

  /** Would be seen if any of it were taken for more than text. */
  private static final String HOSTILE =
      "<img src=x onerror=\"window.taken=1\"></script><script>window.taken=1</script>\u202Egnp.exe";

  private static Browser browser;
  private BrowserTab tab;
  private int port;

  @BeforeAll
  static void startBrowser(@TempDir(cleanup = CleanupMode.ON_SUCCESS) Path home) throws Exception {
    browser = Browser.start(home);
  }

  @AfterAll
  static void endBrowser() {
    browser.close();
  }

  @AfterEach
  void closeTab() {
    if (tab != null) {
      List<String> errors = List.copyOf(tab.errors());
      tab.close();
      assertEquals(List.of(), errors, "on the browser's console");
    }
  }

  private WorkerProcess start(String... overrides) throws Exception {
    port = Ports.free();
    List<String> all =
        new ArrayList<>(
            List.of(
                "WAYBILL_HTTP_PORT",
                String.valueOf(port),
                "WAYBILL_TOKEN",
                TOKEN,
                "WAYBILL_RETRY_TRIES",
                "2",
                "WAYBILL_UPLOAD_VERIFY",
                "none",
                // Some downloads wait for a word that does not come.
                "WAYBILL_SHUTDOWN_GRACE",
                "100ms"));
    all.addAll(List.of(overrides));
    WorkerProcess worker = startWorker(all.toArray(String[]::new));
    tab = browser.open();
    tab.size(1200, 1000);
    return worker;
  }

  /**
   * @param place what comes after the page's address, such as {@code #/jobs/42}
   */
  private void open(String place) throws Exception {
    tab.go("http://127.0.0.1:" + port + "/" + place);
  }

  private void openWithToken(String place) throws Exception {
    open("");
    giveToken(TOKEN);
    tab.eval("location.hash = '" + place + "'");
  }

  private void giveToken(String token) throws Exception {
    until(
        () -> !tab.eval("document.getElementById('token-state').textContent").asText().isEmpty(),
        "its scripts run");
    tab.click("#token summary");
    tab.click("#token-text");
    tab.type(token);
    tab.press("Enter");
    awaitShown("#token-state", "A token is in use");
    tab.click("#token summary");
  }

  private void awaitShown(String selector, String part) {
    until(() -> tab.text(selector).contains(part), selector + " shows " + part);
  }

  private String station(String name) {
    return "[data-station='" + name + "'] .count";
  }

  private void keep(String name) throws Exception {
    String directory = System.getProperty("screenshots");
    if (directory != null) {
      tab.screenshot(Path.of(directory, name + ".png"));
    }
  }

  private void expectNoScrollingSideways() throws Exception {
    int overhang =
        tab.eval("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            .asInt();
    assertTrue(overhang <= 0, "too wide by " + overhang);
  }

  private long deadUpload() throws Exception {
    shop.breakRclone("move", "exit-5", "exit-5");
    long taskId = shop.order("ok");
    awaitState(taskId, "dead");
    return taskId;
  }

  @Test
  void should_say_so_when_there_is_nothing() throws Exception {
    start();
    open("");

    awaitShown(station("Inbox"), "0");
    awaitShown("#workers", "It waits for work.");
    awaitShown("#events", "Nothing has happened");
    awaitShown("#hour", "0 done, 0 dead");
    keep("empty");
    tab.size(1200, 700);
    open("#/jobs");
    awaitShown("#found", "There is no job yet.");
  }

  private void anHourOfWork() throws Exception {
    shop.update(
        "INSERT INTO waybill_job (task_id, email, course_url, course_key, payload, vip, state, stage, delivery_id,"
            + " received_at, enrolled_at, downloaded_at, uploaded_at, notified_at, finished_at, updated_at)"
            + " SELECT 1000 + n, 'a@example.com', 'https://courses.example.com/course/x/', SHA2('x', 256), '{}',"
            + " n % 10 = 0, 'done', 'cleaned', UUID(), ended - INTERVAL 800 + n * 7 % 90 SECOND,"
            + " ended - INTERVAL 700 + n % 120 SECOND, ended - INTERVAL 200 + n % 40 SECOND,"
            + " ended - INTERVAL 1 + n % 3 SECOND, ended, ended, ended FROM (SELECT seq AS n,"
            + " UTC_TIMESTAMP(6) - INTERVAL 30 + seq * seq * 31 % 3500 SECOND AS ended FROM seq_1_to_240) x");
  }

  private void aJobOfAnotherProcess() throws Exception {
    shop.update(
        "INSERT INTO waybill_worker (id, host, pid, started_at, seen_at, lease_ms)"
            + " VALUES ('host-b-4711-0c1d52aa', 'host-b', 4711, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), 600000)");
    shop.update(
        "INSERT INTO waybill_job (task_id, email, course_url, course_key, payload, vip, state, stage, delivery_id,"
            + " owner, token, received_at, enrolled_at, claimed_at, downloaded_at, updated_at)"
            + " VALUES (500, 'a@example.com', 'https://courses.example.com/course/x/', SHA2('x', 256), '{}', TRUE,"
            + " 'running', 'downloaded', UUID(), 'host-b-4711-0c1d52aa', 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6),"
            + " UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))");
    shop.redis()
        .publish(
            "waybill:events",
            "{\"at\":\""
                + java.time.Instant.now()
                + "\",\"event\":\"PROGRESS\",\"taskId\":500,\"stage\":\"upload\",\"percent\":63,"
                + "\"file\":\"03 Bread/lesson 2.mp4\"}");
  }

  @Test
  void should_show_who_does_what_and_how_far_it_is() throws Exception {
    start("WORKER_COUNT", "2");
    for (int i = 0; i < 6; i++) {
      awaitState(shop.order("ok"), "done");
    }
    deadUpload();
    long first = shop.order("half");
    awaitEvent(first, "DOWNLOAD_START");
    long second = shop.order("half");
    long third = shop.order("half");
    shop.push(shop.task("pending", Shop.url("later")), Shop.url("later"));
    anHourOfWork();
    aJobOfAnotherProcess();
    openWithToken("#/");

    awaitShown(station("Download"), "2");
    awaitShown(station("Ready"), "1");
    awaitShown(station("Waiting"), "1");
    awaitShown(station("Dead"), "1");
    awaitShown(station("Upload"), "1");
    awaitShown(station("Done"), "246");
    awaitShown("#workers", "task " + first);
    awaitShown("#workers", "40 %");
    awaitShown("#workers", "63 %");
    awaitShown("#workers", "03 Bread/lesson 2.mp4");
    awaitShown("#hour", "222 done, 1 dead");
    awaitShown("#hour", "24 done, 0 dead");
    keep("busy");
    shop.goOn(first);
    awaitShown("#events", "WEBHOOK_SUCCESS");
    awaitShown("#workers", "task " + third);
    tab.dark();
    keep("busy-dark");
    tab.click("#workers a[href='#/jobs/" + second + "']");
    awaitShown("h1", "Task " + second);
    awaitShown("#top", "40 %");
    shop.goOn(second);
    shop.goOn(third);
    awaitShown("#top .badge", "done");
    awaitShown("#tries", "post-webhook");
    awaitShown("#task-log", "100%");
    keep("task-dark");
  }

  @Test
  void should_find_a_dead_job_by_its_email_read_why_and_retry_it() throws Exception {
    start();
    long taskId = deadUpload();
    openWithToken("#/");

    tab.click("#find-text");
    tab.type("NGUYỄN@");
    tab.press("Enter");
    awaitShown("#found", "nguyễn@example.com");
    keep("found");
    tab.click("#found a[href='#/jobs/" + taskId + "']");
    awaitShown("#top .badge", "dead");
    awaitShown("#top .reason", "rclone move ended with exit code 5");
    awaitShown("#tries", "failed");
    until(
        () -> tab.eval("document.querySelectorAll('#tries .try.failed').length").asInt() == 2,
        "both tries are there");
    assertEquals("5", tab.text("#tries .failed [data-name='exit code']"));
    awaitShown("#task-log", "upload try 2");
    keep("failing");
    tab.click("#retry");
    awaitShown("#confirm-text", "after downloaded, where it stopped");
    keep("retry-asks");
    tab.click("#confirm-yes");

    awaitShown("#said", "goes on");
    awaitShown("#top .badge", "done");
    assertEquals("completed", shop.status(taskId));
    assertEquals(1, shop.downloads(taskId));
    keep("task");
  }

  @Test
  void should_cancel_only_when_it_is_confirmed() throws Exception {
    start();
    long taskId = shop.order("half");
    awaitEvent(taskId, "DOWNLOAD_START");
    openWithToken("#/jobs/" + taskId);

    awaitShown("#cancel", "Cancel");
    tab.click("#cancel");
    awaitShown("#confirm-title", "Cancel task " + taskId);
    tab.press("Escape");
    until(() -> !tab.eval("document.getElementById('confirm').open").asBoolean(), "it is left");
    assertEquals("running", shop.ledger("state", taskId));
    tab.click("#cancel");
    awaitShown("#confirm-title", "Cancel task " + taskId);
    tab.click("#confirm-yes");

    awaitShown("#top .badge", "cancelled");
    assertEquals("cancelled", shop.ledger("state", taskId));
    awaitShown("#retry", "Retry");
  }

  @Test
  void should_pause_and_resume_a_queue() throws Exception {
    start("WAYBILL_QUEUE_SOURCE", "list,bullmq");
    openWithToken("#/");
    String button = "#queues [data-key='queue " + Shop.INBOX + "']";

    awaitShown(button, "Pause");
    tab.click(button);
    awaitShown("#confirm-title", "Pause " + Shop.INBOX);
    tab.click("#confirm-yes");
    awaitShown(button, "Resume");
    awaitShown("#pipeline .mark", "is paused");
    long taskId = shop.order("ok");
    awaitShown(station("Ready"), "1");
    keep("paused");
    tab.click(button);
    awaitShown("#confirm-title", "Resume " + Shop.INBOX);
    tab.click("#confirm-yes");

    awaitShown(button, "Pause");
    awaitState(taskId, "done");
    awaitShown("#queues", "BullMQ: empty");
    tab.click("#queues [data-key='queue downloads']");
    awaitShown("#confirm-title", "Pause downloads");
    tab.click("#confirm-yes");
    awaitShown("#pipeline .mark", "downloads is paused");
    shop.redis().hset("bull:downloads:meta", "version", "bullmq:7.1.0");
    awaitShown("#queues", "nothing is taken: version of the queue");
    keep("bullmq-refused");
  }

  @Test
  void should_stay_usable_with_ten_thousand_dead_jobs() throws Exception {
    start("WAYBILL_WATCH_PERIOD", "200ms");
    shop.update(
        "INSERT INTO waybill_job (task_id, order_id, email, course_url, course_key, payload, state, stage, delivery_id,"
            + " folder, last_error, received_at, enrolled_at, downloaded_at, finished_at, updated_at)"
            + " SELECT seq, seq + 70000, CONCAT('buyer', seq, '@example.com'), 'https://courses.example.com/course/x/',"
            + " SHA2('x', 256), '{}', 'dead', 'downloaded', UUID(), CONCAT('Course ', seq),"
            + " 'rclone move ended with exit code 7 (fatal error)', UTC_TIMESTAMP(6) - INTERVAL seq SECOND,"
            + " UTC_TIMESTAMP(6) - INTERVAL seq SECOND, UTC_TIMESTAMP(6) - INTERVAL seq SECOND,"
            + " UTC_TIMESTAMP(6) - INTERVAL seq SECOND, UTC_TIMESTAMP(6) FROM seq_1_to_10000");
    openWithToken("#/");

    awaitShown(station("Dead"), "10,000");
    awaitShown("#alerts", "dead-growing");
    keep("many-dead");
    tab.click("[data-station='Dead'] a");
    awaitShown("#found", "10000");
    assertEquals(50, tab.eval("document.querySelectorAll('#found tbody tr').length").asInt());
    keep("many-dead-list");
    tab.click("[rel=next]");
    awaitShown(".pages", "page 2");
    awaitShown("#found", "9950");
    tab.eval("location.hash = '#/jobs?state=dead&page=200'");
    awaitShown("#found tbody tr:last-child th", "1");
    assertEquals("", tab.text("[rel=next]"));
    tab.click("#retry-all");
    awaitShown("#confirm-text", "10,000 of them");
    tab.click("#confirm-no");
    assertEquals("10000", shop.query("SELECT COUNT(*) FROM waybill_job WHERE state = 'dead'"));
  }

  @Test
  void should_take_nothing_from_outside_for_more_than_text() throws Exception {
    start();
    long taskId = shop.task("failed", Shop.url("ok"));
    shop.update(
        "INSERT INTO waybill_job (task_id, order_id, email, course_url, course_key, payload, state, stage, delivery_id,"
            + " folder, last_error, host, received_at, enrolled_at, finished_at, updated_at)"
            + " VALUES (?, ?, ?, ?, SHA2('x', 256), '{}', 'dead', 'downloaded', UUID(), ?, ?, ?,"
            + " UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))",
        taskId,
        HOSTILE,
        "\"<svg/onload=window.taken=1>\"@example.com",
        "https://courses.example.com/" + "x".repeat(1500),
        HOSTILE + "ملف" + "y".repeat(600),
        HOSTILE,
        HOSTILE);
    shop.update(
        "INSERT INTO waybill_history (task_id, at, event, stage, worker, ms, exit_code, detail)"
            + " VALUES (?, UTC_TIMESTAMP(6), 'UPLOAD_ERROR', 'upload', ?, 5, 7, ?)",
        taskId,
        HOSTILE,
        HOSTILE);
    Path log = shop.logs().resolve("tasks").resolve("task-" + taskId + ".log");
    Files.createDirectories(log.getParent());
    Files.writeString(log, HOSTILE + "\ndata: event: x\n\n\u001b[2J" + "z".repeat(3000) + "\n");
    shop.redis()
        .publish(
            "waybill:events",
            "{\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"<b>X</b>\",\"taskId\":" + taskId + "}");

    for (int width : new int[] {1200, 360}) {
      tab.size(width, 900);
      open("#/jobs?state=dead&q=" + java.net.URLEncoder.encode("<img src=x", "UTF-8"));
      awaitShown("#found", "<img src=x");
      expectNoScrollingSideways();
      keep("hostile-list-" + width);
      open("#/jobs/" + taskId);
      awaitShown("#top .reason", "</script><script>window.taken=1</script>\ufffdgnp.exe");
      awaitShown("#task-log", "<img src=x");
      awaitShown("#task-log", "zzz");
      expectNoScrollingSideways();
      keep("hostile-" + width);
      shop.redis()
          .publish(
              "waybill:events",
              "{\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"DEAD\",\"taskId\":1,\"detail\":\"<img src=x onerror=window.taken=1>\"}");
    }
    open("#/");
    until(() -> tab.text("#workers").contains("waits"), "the overview is there");
    assertTrue(tab.eval("window.taken === undefined").asBoolean(), "something ran");
    assertEquals(0, tab.eval("document.querySelectorAll('main img, main script').length").asInt());
  }

  private static String hostile(String where) {
    return where + "<img src=x onerror=\"window.taken='" + where + "'\"><b>";
  }

  /** One in each field that others write; each says where it came through. */
  private void fillEveryField(long dead, long running) throws Exception {
    String at = "UTC_TIMESTAMP(6)";
    String worker = "w<img/src=x/onerror=window.taken='worker'>";
    shop.update(
        "INSERT INTO waybill_worker (id, host, pid, started_at, seen_at, lease_ms)"
            + " VALUES (?, ?, 1, "
            + at
            + ", "
            + at
            + ", 600000)",
        worker,
        hostile("host"));
    for (long taskId : new long[] {dead, running}) {
      shop.update(
          "INSERT INTO waybill_job (task_id, order_id, email, course_url, course_key, payload, state, stage,"
              + " delivery_id, folder, last_error, host, owner, hold, received_at, enrolled_at, claimed_at, updated_at)"
              + " VALUES (?, ?, ?, ?, SHA2('x', 256), ?, ?, 'downloaded', ?, ?, ?, ?, ?, ?, "
              + String.join(", ", at, at, at, at)
              + ")",
          taskId,
          hostile("order"),
          hostile("email") + "@example.com",
          "javascript:window.taken='url'//<img src=x onerror=window.taken='url'>",
          hostile("payload"),
          taskId == dead ? "dead" : "running",
          "<img src=x onerror=window.taken=1>",
          hostile("folder"),
          hostile("error"),
          hostile("host"),
          taskId == dead ? null : worker,
          taskId == dead ? "<b>hold" : null);
    }
    shop.update(
        "INSERT INTO waybill_alert (name, scope, detail, since, seen_at) VALUES (?, ?, ?, "
            + at
            + ", "
            + at
            + ")",
        "<img src=x onerror=taken=1>",
        hostile("scope"),
        hostile("alert"));
    for (String held : List.of("post-webhook", hostile("held"))) {
      shop.update(
          "INSERT INTO waybill_hold (name, reason, since, until_at) VALUES (?, ?, "
              + at
              + ", "
              + at
              + " + INTERVAL 1 HOUR)",
          held,
          hostile("reason"));
    }
    shop.update(
        "INSERT INTO waybill_history (task_id, at, event, stage, worker, ms, exit_code, detail)"
            + " VALUES (?, "
            + at
            + ", 'UPLOAD_ERROR', 'upload', ?, 5, 7, ?)",
        dead,
        hostile("by"),
        hostile("detail"));
    Path log = shop.logs().resolve("tasks").resolve("task-" + dead + ".log");
    Files.createDirectories(log.getParent());
    Files.writeString(log, hostile("log") + "\n");
  }

  private void publish(String event, long taskId) {
    var json = new com.fasterxml.jackson.databind.ObjectMapper().createObjectNode();
    json.put("at", java.time.Instant.now().toString()).put("event", event).put("taskId", taskId);
    json.put("stage", event.equals("PROGRESS") ? "upload" : hostile("stage"));
    json.put("detail", hostile("event")).put("worker", hostile("teller"));
    json.put("percent", 50).put("file", hostile("file")).put("orderId", hostile("order"));
    shop.redis().publish("waybill:events", json.toString());
  }

  @Test
  void should_show_every_field_as_it_is_and_obey_none() throws Exception {
    start("WAYBILL_WATCH_PERIOD", "5m");
    long dead = shop.task("failed", Shop.url("ok"));
    long running = shop.task("enrolled", Shop.url("ok"));
    fillEveryField(dead, running);
    // What got through would be stopped by the policy, and counted here.
    tab.first(
        "window.breaches = []; addEventListener('securitypolicyviolation', e =>"
            + " window.breaches.push(e.violatedDirective + ' ' + e.blockedURI), true);");
    openWithToken("#/");
    awaitShown("#alerts", hostile("alert"));
    awaitShown("#workers", "onerror=window.taken='worker'");
    awaitShown("#events", "Nothing has happened");
    publish("PROGRESS", running);
    publish("DEAD", dead);
    publish("<img src=x onerror=window.taken='name'>", dead);
    awaitShown("#pipeline", hostile("reason"));
    awaitShown("#workers", hostile("file"));
    awaitShown("#events", hostile("event"));
    awaitShown("#events", "<img src=x onerror=window.taken='name'>");
    expectNothingRan();
    tab.eval("location.hash = '#/jobs/" + dead + "'");
    awaitShown("#top .reason", hostile("error"));
    for (String field : List.of("email", "order", "folder", "host")) {
      awaitShown("#facts", hostile(field));
    }
    awaitShown("#facts", "javascript:window.taken='url'");
    assertEquals(
        0, tab.eval("document.querySelectorAll('a[href^=\"javascript:\" i]').length").asInt());
    awaitShown("#tries", hostile("detail"));
    awaitShown("#task-log", hostile("log"));
    expectNothingRan();
    String search = java.net.URLEncoder.encode(hostile("folder"), "UTF-8").replace("+", "%20");
    for (String state : List.of("dead", "%3Cimg%20src%3Dx%20onerror%3Dwindow.taken%3D1%3E")) {
      tab.eval("location.hash = '#/jobs?state=" + state + "&q=" + search + "'");
      awaitShown("h1", hostile("folder"));
      expectNothingRan();
    }
    tab.eval("location.hash = '#/%3Cimg%20src%3Dx%20onerror%3Dwindow.taken%3D1%3E'");
    expectNothingRan();
    // The net itself: without it the counts above would be zero whatever happened.
    tab.eval("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=window.taken=1>')");
    until(() -> tab.eval("window.breaches.length").asInt() > 0, "a breach is counted");
    assertTrue(tab.eval("window.taken === undefined").asBoolean());
    tab.errors().clear();
  }

  private void expectNothingRan() throws Exception {
    assertEquals("undefined", tab.eval("String(window.taken)").asText());
    assertEquals("[]", tab.eval("JSON.stringify(window.breaches)").asText());
    assertEquals(
        0,
        tab.eval("document.querySelectorAll('img, iframe, object, svg image, b').length").asInt());
  }

  @Test
  void should_say_what_is_wrong_with_the_token() throws Exception {
    start();
    long taskId = deadUpload();
    open("#/jobs/" + taskId);

    awaitShown("#facts", "n…@example.com");
    tab.click("#retry");
    awaitShown("#confirm-title", "task " + taskId);
    tab.click("#confirm-yes");
    awaitShown("#said", "This needs the token");
    assertTrue(tab.eval("document.getElementById('token').open").asBoolean());
    tab.click("#token-text");
    tab.type("wrong");
    tab.press("Enter");
    awaitShown("#trouble", "The token is wrong");
    keep("wrong-token");
    tab.click("#token-text");
    tab.type(TOKEN);
    tab.press("Enter");

    awaitShown("#facts", "nguyễn@example.com");
    assertEquals("", tab.text("#trouble"));
    assertEquals("dead", shop.ledger("state", taskId));
    assertFalse(tab.eval("location.href + document.cookie").asText().contains(TOKEN));
  }

  @Test
  void should_fit_a_phone() throws Exception {
    start("WORKER_COUNT", "1");
    long taskId = deadUpload();
    long running = shop.order("half");
    awaitEvent(running, "DOWNLOAD_START");
    tab.size(360, 740);
    openWithToken("#/");

    awaitShown("#workers", "40 %");
    expectNoScrollingSideways();
    keep("phone");
    open("#/jobs");
    awaitShown("#found", "dead");
    expectNoScrollingSideways();
    keep("phone-list");
    open("#/jobs/" + taskId);
    awaitShown("#task-log", "upload try 2");
    expectNoScrollingSideways();
    keep("phone-task");
  }

  @Test
  void should_do_with_a_keyboard_alone() throws Exception {
    start();
    long taskId = deadUpload();
    openWithToken("#/");
    tab.eval("document.activeElement.blur()");

    tabTo("#find-text");
    tab.type(String.valueOf(taskId));
    tab.press("Enter");
    awaitShown("#found", "dead");
    tabTo("#found a[href='#/jobs/" + taskId + "']");
    assertTrue(
        tab.eval("getComputedStyle(document.activeElement).outlineStyle !== 'none'").asBoolean(),
        "one sees where the focus is");
    tab.press("Enter");
    awaitShown("#retry", "Retry");
    tabTo("#retry");
    tab.press("Enter");
    awaitShown("#confirm-title", "Retry task");
    tabTo("#confirm-yes");
    tab.press("Enter");

    awaitState(taskId, "done");
  }

  /** As somebody without a mouse gets there. */
  private void tabTo(String selector) throws Exception {
    for (int i = 0; i < 60; i++) {
      if (tab.eval("document.activeElement?.matches(" + quoted(selector) + ") ?? false")
          .asBoolean()) {
        return;
      }
      tab.press("Tab");
    }
    throw new AssertionError(selector + " is not to be reached with the keyboard");
  }

  private static String quoted(String text) {
    return '"' + text.replace("\"", "\\\"") + '"';
  }

  @Test
  void should_say_which_store_is_away() throws Exception {
    shop.close();
    shop = Shop.openAlone(directory.resolve("alone"));
    WorkerProcess worker = start("WAYBILL_DB_TIMEOUT", "500ms", "WAYBILL_REDIS_TIMEOUT", "1s");
    open("#/");
    awaitShown(station("Inbox"), "0");

    shop.redisServer().signal("STOP");
    awaitShown("[data-station='Inbox']", "Redis is away");
    shop.redisServer().signal("CONT");
    awaitShown(station("Inbox"), "0");
    shop.database().kill();
    awaitShown("#trouble", "The database cannot be reached");
    keep("stores-away");
    worker.stop();
    awaitShown("#trouble", "The worker does not answer");
  }
}
