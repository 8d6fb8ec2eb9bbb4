package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import routes.command.CageCheck;
import routes.command.ProcessTree;
import routes.settings.Fault;
import routes.settings.Settings;
import routes.settings.Sources;
import servers.Shop;

/**
 * The downloader under limits and in a wrapper, and as another user where these tests run as root:
 * nobody else can start a program as somebody else.
 */
class CageTest extends WorkerTest {
  private static final boolean ROOT = "root".equals(System.getProperty("user.name"));
  private static final String USER = ROOT ? "nobody" : "";

  private Path secrets;

  @BeforeEach
  void openTheWayToTheSandboxes() throws Exception {
    for (Path way : List.of(directory, shop.directory(), shop.staging())) {
      Files.setPosixFilePermissions(way, PosixFilePermissions.fromString("rwx--x--x"));
    }
    shop.script("hostile-downloader.sh", program(), Map.of());
    secrets = Files.writeString(shop.directory().resolve("waybill.properties"), "# secrets\n");
    for (Path secret : List.of(shop.drive().config(), secrets)) {
      Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
    }
  }

  private Path program() {
    return shop.directory().resolve("hostile.sh");
  }

  private Map<String, String> environment(String... overrides) {
    Map<String, String> environment = new HashMap<>(shop.environment());
    environment.put("DOWNLOADER", program().toString());
    environment.put("DOWNLOADER_ARGS", "{courseUrl} {sandbox}");
    environment.put("WAYBILL_CONFIG", secrets.toString());
    environment.put("WAYBILL_DOWNLOAD_RUN_AS", USER);
    environment.put("WAYBILL_DOWNLOAD_LIMITS", "nofile=64, fsize=64KiB");
    environment.put("WAYBILL_DOWNLOAD_WRAPPER", "env WRAPPED={taskId} \"IN={sandbox} x\"");
    for (int i = 0; i < overrides.length; i += 2) {
      environment.put(overrides[i], overrides[i + 1]);
    }
    return environment;
  }

  private void start(String... overrides) throws Exception {
    List<String> pairs = new ArrayList<>();
    environment(overrides)
        .forEach(
            (name, value) -> {
              pairs.add(name);
              pairs.add(value);
            });
    startWorker(pairs.toArray(String[]::new));
  }

  private long order(String plan) throws Exception {
    long taskId = shop.task("enrolled", Shop.url("x"));
    Path plans = Files.createDirectories(shop.directory().resolve("plans"));
    Files.writeString(plans.resolve(String.valueOf(taskId)), plan + "\n");
    shop.push(taskId, Shop.url("x"));
    return taskId;
  }

  private List<Fault> faults(String... overrides) throws Exception {
    Map<String, String> environment = environment(overrides);
    return CageCheck.faults(
        Settings.from(Sources.read(environment, new Properties(), directory)), environment);
  }

  @Test
  void should_hold_the_downloader_and_deliver_what_it_brings() throws Exception {
    start("WAYBILL_DOWNLOAD_IDLE_TIMEOUT", "3s", "WAYBILL_RETRY_TRIES", "2");
    long hangs =
        order(
            "(setsid sh -c 'echo $$ > \"$1\"; exec sleep 1000' sh \"$out/pid\" >/dev/null 2>&1 &)\n"
                + "trap '' TERM; while :; do sleep 1000; done");
    long large = order("mkdir -p \"$out/C\"; head -c 200000 /dev/zero > \"$out/C/large\"");
    keepsItFromSecrets();
    goesOnInTheSameSandbox();

    awaitState(hangs, "dead");
    awaitState(large, "dead");

    assertTrue(shop.errorLog(hangs).contains("hostile.sh was ended: it printed nothing"));
    assertEquals(List.of(), ProcessTree.in(shop.sandbox(hangs)));
    long left = Long.parseLong(Files.readString(shop.sandbox(hangs).resolve("pid")).strip());
    assertFalse(ProcessHandle.of(left).map(ProcessTree::runs).orElse(false));
    assertTrue(shop.errorLog(large).contains("ended with exit code"), shop.errorLog(large));
    assertTrue(Files.size(shop.sandbox(large).resolve("C/large")) <= 65536);
  }

  private void keepsItFromSecrets() throws Exception {
    String look = "cat %s >> \"$out/C/got\" 2>/dev/null && echo read >> \"$out/C/seen\"; ";
    long taskId =
        order(
            "mkdir \"$out/C\"; exec 3> \"$out/C/seen\"; id -un >&3; ulimit -n >&3; ulimit -f >&3;"
                + " echo \"$WRAPPED $IN\" >&3; echo \"${HOME-none}\" >&3;"
                + " grep NoNewPrivs /proc/self/status >&3; grep CapEff /proc/self/status >&3;"
                + look.formatted(shop.drive().config())
                + look.formatted(secrets)
                + look.formatted("/proc/" + ProcessHandle.current().pid() + "/environ")
                + "ls \"$out/..\" >/dev/null 2>&1 && echo listed >&3; "
                + "echo x 2>/dev/null > \"$out/../planted\" && echo planted >&3; true");

    awaitState(taskId, "done");

    List<String> seen = shop.delivered().get("C/seen").lines().toList();
    assertEquals("64", seen.get(1));
    assertEquals("128", seen.get(2), "in blocks of 512 bytes");
    assertEquals(taskId + " " + shop.sandbox(taskId) + " x", seen.get(3));
    if (ROOT) {
      assertEquals(
          List.of("nobody", "none", "NoNewPrivs:\t1", "CapEff:\t0000000000000000"),
          List.of(seen.get(0), seen.get(4), seen.get(5), seen.get(6)));
      assertEquals(7, seen.size(), () -> "it could do more than it should: " + seen);
      assertEquals("", shop.delivered().get("C/got"));
    }
  }

  /** And what is another user's is cleaned up. */
  private void goesOnInTheSameSandbox() throws Exception {
    long taskId =
        order(
            "mkdir \"$out/D\" && mkdir -m 700 \"$out/D/d\" && echo x > \"$out/D/d/a\" && exit 3;"
                + " echo y > \"$out/D/d/b\"");

    awaitState(taskId, "done");

    assertEquals("x\n", shop.delivered().get("D/d/a"));
    assertEquals("y\n", shop.delivered().get("D/d/b"));
    assertFalse(Files.exists(shop.sandbox(taskId)));
  }

  @Test
  void should_say_before_the_start_what_is_wrong_with_the_cage() throws Exception {
    assertEquals(List.of(), faults());
    assertFault("prlimit can set", faults("WAYBILL_DOWNLOAD_LIMITS", "nofile=999999999999"));
    assertFault("can be run", faults("WAYBILL_DOWNLOAD_WRAPPER", "/no/such/wrapper x"));
    assertFault("the name of a user", faults("WAYBILL_DOWNLOAD_RUN_AS", "nobody-at-all"));
    assertFault(
        ROOT ? "a user who is not root" : "nothing where the worker is not root",
        faults("WAYBILL_DOWNLOAD_RUN_AS", "root"));
    Map<String, String> wrong = environment("WAYBILL_DOWNLOAD_RUN_AS", "nobody-at-all");
    String start = CommandLine.run(wrong).ended(2);
    String check = CommandLine.run(wrong, "check").ended(1);
    CommandLine.run(environment(), "check").ended(0);
    String fault = "waybill.download.run-as: expected the name of a user";
    assertTrue(start.contains("waybill: " + fault), start);
    assertTrue(check.contains("FAIL  cage       " + fault), check);
    if (!ROOT) {
      return;
    }
    Files.setPosixFilePermissions(
        shop.drive().config(), PosixFilePermissions.fromString("rw-r--r--"));
    assertFault("cannot read " + shop.drive().config(), faults());
    Files.setPosixFilePermissions(secrets, PosixFilePermissions.fromString("rw-r--r--"));
    assertFault("cannot read " + secrets, faults());
    Files.setPosixFilePermissions(program(), PosixFilePermissions.fromString("rwx------"));
    assertFault("run the downloader", faults());
    Files.setPosixFilePermissions(shop.staging(), PosixFilePermissions.fromString("rwx------"));
    assertFault("pass through " + shop.staging(), faults());
  }

  private static void assertFault(String expected, List<Fault> faults) {
    assertTrue(
        faults.stream().anyMatch(fault -> fault.expected().contains(expected)),
        () -> expected + " is not in " + faults);
  }
}
