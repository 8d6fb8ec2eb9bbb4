package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import servers.Shop;
import servers.WebhookReceiver.Call;

/**
 * Addresses, names and files that are meant to lead a worker astray, through the whole pipeline.
 */
class HostileDeliveryTest extends WorkerTest {
  private static final String DELIVER = "mkdir -p \"$out/C\"; echo x > \"$out/C/a.txt\"; ";

  private void start(String... more) throws Exception {
    Path program = shop.directory().resolve("hostile.sh");
    shop.script("hostile-downloader.sh", program, Map.of());
    List<String> overrides =
        new ArrayList<>(
            List.of(
                "DOWNLOADER",
                program.toString(),
                "DOWNLOADER_ARGS",
                "{courseUrl} {sandbox}",
                // For whoever hands its own environment on to rclone.
                "RCLONE_DRY_RUN",
                "true",
                "RCLONE_CONFIG_DRIVE_TYPE",
                "alias",
                "RCLONE_CONFIG_DRIVE_REMOTE",
                shop.directory().resolve("elsewhere").toString(),
                "RCLONE_COPY_LINKS",
                "true"));
    overrides.addAll(List.of(more));
    startWorker(overrides.toArray(String[]::new));
  }

  private long order(String url, String plan) throws Exception {
    long taskId = shop.task("enrolled", url);
    Path plans = Files.createDirectories(shop.directory().resolve("plans"));
    Files.writeString(plans.resolve(String.valueOf(taskId)), plan + "\n");
    shop.push(taskId, url);
    return taskId;
  }

  private long order(String plan) throws Exception {
    return order(Shop.url("x"), plan);
  }

  private static String quote(String text) {
    return "'" + text.replace("'", "'\\''") + "'";
  }

  @Test
  void should_hand_on_addresses_and_names_byte_for_byte_that_are_odd_and_allowed()
      throws Exception {
    start("WORKER_COUNT", "4");
    deliverAddresses();
    deliverNames();
    assertFalse(Files.exists(shop.directory().resolve("elsewhere")));
  }

  /** As one argument each. */
  private void deliverAddresses() throws Exception {
    List<String> urls =
        List.of(
            "https://courses.example.com/-rf/--config=x/'a'$(touch%20x);b&&c,d!*@:~+=/",
            "HTTPS://COURSES.example.com/;id;&&id&$HOME?a='b'&c=$(id)#--x",
            "http://127.0.0.1:8080/-c/%20%25%C3%A9");
    Map<String, Long> tasks = new LinkedHashMap<>();
    for (String url : urls) {
      String keep = "f=\"$out/U$TASK_ID\"; mkdir \"$f\"; printf '%s\\0' $# \"$1\" > \"$f/a.txt\"";
      tasks.put(url, order(url, keep));
    }
    for (Map.Entry<String, Long> task : tasks.entrySet()) {
      awaitState(task.getValue(), "done");
      assertEquals(
          "2\0" + task.getKey() + "\0", shop.delivered().get("U" + task.getValue() + "/a.txt"));
    }
    assertFalse(Files.exists(shop.directory().resolve("elsewhere")));
  }

  /** To the remote, into the ledger, and to the webhook. */
  private void deliverNames() throws Exception {
    int before = shop.delivered().size();
    List<String> names =
        List.of(
            "-rf",
            "--config=x",
            "C:\\a",
            "...",
            "..hidden",
            "trailing.",
            "trailing ",
            " leading",
            "~",
            "*?<>|\"'`$(id)",
            "é".repeat(127) + "x",
            "\u05E9\u05DC\u05D5\u05DD\u200F a",
            "a\u202Egpj.exe",
            "Khoá học \uD83C\uDF93");
    Map<String, Long> tasks = new LinkedHashMap<>();
    for (String name : names) {
      String folder = "\"$out\"/" + quote(name);
      tasks.put(name, order("mkdir -p " + folder + " && echo x > " + folder + "/a.txt"));
    }
    for (Map.Entry<String, Long> task : tasks.entrySet()) {
      String name = task.getKey();
      long taskId = task.getValue();
      awaitState(taskId, "done");
      assertTrue(
          Files.exists(shop.drive().content().resolve("deliveries/" + name + "/a.txt")),
          () -> "at the remote: " + name);
      Call call = shop.webhook().calls(taskId).get(0);
      assertEquals(name, call.folder());
      assertTrue(call.signed(), name);
      assertEquals(name, shop.ledger("folder", taskId));
    }
    assertEquals(255, names.get(10).getBytes(StandardCharsets.UTF_8).length);
    assertEquals(before + names.size(), shop.delivered().size(), "and nothing else");
  }

  @Test
  void should_bury_what_may_not_be_delivered_at_its_first_try_and_say_why() throws Exception {
    Path secret = Files.writeString(shop.directory().resolve("secret"), "not for the remote");
    Path elsewhere = Files.createDirectories(shop.directory().resolve("elsewhere"));
    Files.writeString(elsewhere.resolve("precious"), "x");
    shop.breakRclone("move", "exit-7");
    start("WORKER_COUNT", "4");
    long uploadedLater = order(DELIVER);
    awaitState(uploadedLater, "dead");
    // Between the download, which was well, and the upload.
    Files.createSymbolicLink(shop.sandbox(uploadedLater).resolve("C/l"), Path.of("/etc/passwd"));
    Map<Long, String> said = new LinkedHashMap<>();
    long planted = shop.task("enrolled", Shop.url("x"));
    Files.createSymbolicLink(shop.sandbox(planted), elsewhere);
    shop.push(planted, Shop.url("x"));
    said.put(planted, "expected a directory, found a file or a link");
    shop.setStatus(uploadedLater, "enrolled");
    shop.push(uploadedLater, Shop.url("x"));
    said.put(order(DELIVER + "ln -s " + secret + " \"$out/C/l\""), "C/l (a link)");
    said.put(order(DELIVER + "ln -s / \"$out/C/root\""), "C/root (a link)");
    said.put(order(DELIVER + "ln " + secret + " \"$out/C/h\""), "C/h (it is also a file outside");
    said.put(order(DELIVER + "mkfifo \"$out/C/f\""), "C/f (a FIFO, a socket or a device)");
    said.put(order("ln -s / \"$out/C\""), "C (a link)");
    said.put(order("d=\"$out/$(printf 'b\\377')\"; mkdir \"$d\"; echo > \"$d/a\""), "UTF-8");
    said.put(order("mkdir \"$out/a\tb\"; echo > \"$out/a\tb/c\""), "no control characters");
    said.put(
        order("truncate -s 300G \"$out/hole\"; sleep 0.01"), "waybill.sandbox.max-size: expected");
    said.put(order("truncate -s 300G \"$out/hole\"; exit 3"), "waybill.sandbox.max-size: expected");
    said.put(
        order(DELIVER + "truncate -s 300G \"$out/C/hole\""), "waybill.sandbox.max-size: expected");

    for (Map.Entry<Long, String> task : said.entrySet()) {
      awaitState(task.getKey(), "dead");
      String error = shop.errorLog(task.getKey());
      assertTrue(error.contains(task.getValue()), error);
      assertTrue(error.contains("\ntries: 1\n"), error);
      assertEquals("failed", shop.status(task.getKey()));
    }
    until(() -> shop.errorLog(uploadedLater).contains("C/l (a link)"), "it fails anew");
    assertEquals(Map.of(), shop.delivered());
    assertEquals("not for the remote", Files.readString(secret));
    assertEquals(Map.of("precious", "x"), Shop.tree(elsewhere));
  }

  @Test
  void should_deliver_the_rest_when_links_are_skipped() throws Exception {
    start("WAYBILL_DOWNLOAD_LINKS", "skip");
    Path secret = Files.writeString(shop.directory().resolve("secret"), "not for the remote");
    long taskId =
        order(DELIVER + "ln -s " + secret + " \"$out/C/l\"; ln " + secret + " \"$out/C/h\"");

    awaitState(taskId, "done");

    assertEquals(Map.of("C/a.txt", "x\n"), shop.delivered());
    assertEquals("not for the remote", Files.readString(secret));
  }
}
