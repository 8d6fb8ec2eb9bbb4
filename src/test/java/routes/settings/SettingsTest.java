package routes.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import routes.monitoring.Redactor;

class SettingsTest {
  @TempDir Path directory;

  private final Map<String, String> environment =
      new HashMap<>(
          Map.of(
              "DB_USER", "shop",
              "DB_PASSWORD", "p{{assword",
              "DB_NAME", "shop",
              "WEBHOOK_URL", "https://shop.example/hook",
              "API_SECRET_KEY", "very-secret",
              "DOWNLOADER", "/usr/bin/downloader",
              "ALLOWED_HOSTS", "Shop.example, .courses.example",
              "RCLONE_REMOTE", "drive"));
  private final Properties system = new Properties();

  private Settings settings() throws BadSettings {
    return Settings.from(Sources.read(environment, system, directory));
  }

  private List<Fault> faults() {
    return assertThrows(BadSettings.class, this::settings).faults();
  }

  @Test
  void should_take_the_defaults_of_the_contract() throws Exception {
    Settings settings = settings();

    assertEquals("localhost", settings.redis().host());
    assertEquals(6379, settings.redis().port());
    assertEquals(3306, settings.database().port());
    assertEquals(5, settings.workers());
    assertEquals(Duration.ofSeconds(2), settings.enrolment().poll());
    assertEquals(Duration.ofSeconds(300), settings.enrolment().maxWait());
    assertEquals(3, settings.retries().get("upload").tries());
    assertEquals(Duration.ofSeconds(20), settings.retries().get("download").delay());
    assertEquals(Duration.ofMinutes(30), settings.download().timeout());
    assertEquals(Duration.ofMinutes(10), settings.download().idleTimeout());
    assertEquals(Settings.Verify.SIZE, settings.upload().verify());
    assertEquals(Duration.ofSeconds(30), settings.lease());
    assertEquals(Duration.ofSeconds(30), settings.shutdownGrace());
    assertEquals(List.of("-c", "{courseUrl}", "-o", "{sandbox}"), settings.download().arguments());
    assertEquals(List.of("shop.example", ".courses.example"), settings.queue().allowedHosts());
    assertEquals("127.0.0.1", settings.http().host());
    assertEquals(9876, settings.http().port());
    assertEquals("rq:queue:downloads", settings.queue().inbox());
    assertEquals("p{{assword", settings.database().password());
  }

  @Test
  void should_name_every_missing_setting_at_once() {
    environment.clear();

    List<String> keys = faults().stream().map(Fault::key).toList();

    assertTrue(
        keys.containsAll(
            List.of(
                "waybill.db.user",
                "waybill.db.password",
                "waybill.db.name",
                "waybill.allowed-hosts",
                "waybill.download.program",
                "waybill.upload.remote",
                "waybill.webhook.url",
                "waybill.webhook.secret")),
        () -> "found only " + keys);
  }

  @ParameterizedTest
  @CsvSource({
    "waybill.workers, 0, whole number from 1 to 1000",
    "waybill.workers, five, whole number",
    "waybill.redis.port, 70000, 65535",
    "waybill.enrolment.poll, 2, with its unit",
    "waybill.enrolment.poll, 2 weeks, with its unit",
    "waybill.lease, 1s, from 3s",
    "waybill.queue.payload-max, 16, with its unit",
    "waybill.upload.verify, sometimes, one of",
    "waybill.upload.remote, drive:, without colon",
    "waybill.upload.remote, ':local,x=y', without colon",
    "waybill.upload.remote, -drive, without colon",
    "waybill.upload.remote, 'drive/..', without colon",
    "waybill.upload.dest, a/../../b, without '..'",
    "waybill.upload.dest, .., without '..'",
    "waybill.upload.dest, 'a\nb', control characters",
    "waybill.upload.config, /no/such/file, readable",
    "waybill.allowed-hosts, https://shop.example, nothing else of a URL",
    "waybill.allowed-hosts, *.shop.example, nothing else of a URL",
    "waybill.allowed-hosts, shop.example/x, nothing else of a URL",
    "waybill.allowed-hosts, ., nothing else of a URL",
    "waybill.allowed-hosts, khoáhọc.example, in ASCII",
    "waybill.download.max-files, 0, whole number from 1",
    "waybill.download.links, follow, one of",
    "waybill.download.run-as, '--reuid=0', the name of a user",
    "waybill.download.limits, nofile, name=value",
    "waybill.download.limits, 'nofile=1024,as=2', name=value",
    "waybill.download.limits, pid=2, name=value",
    "waybill.download.wrapper, 'env \"x', quotes",
    "waybill.download.wrapper, 'env {courseUrl}', no placeholders but",
    "waybill.download.wrapper, 'bin/wrap x', absolute path",
    "waybill.download.args, -c {url}, no placeholders but",
    "waybill.download.args, -o {sandbox}, {courseUrl}",
    "waybill.download.args, '-c \"{courseUrl}', quotes",
    "waybill.download.env, A-B, names",
    "waybill.webhook.url, ftp://shop.example, http",
    "waybill.webhook.signing-secret, whsec_*, base64",
    "waybill.jolokia.enabled, maybe, one of",
    "waybill.tracing.endpoint, collector:4318, http",
    "waybill.routes.dir, /no/such/directory, a directory",
    "waybill.retry.tries, {{waybill.nothing}}, known key",
    "waybill.retry.delai, 3s, a key that Waybill knows"
  })
  void should_say_key_and_expectation_of_a_bad_value(String key, String value, String expected) {
    system.setProperty(key, value);

    List<Fault> faults = faults();

    assertTrue(
        faults.stream().anyMatch(f -> f.key().equals(key) && f.expected().contains(expected)),
        () -> "found " + faults);
  }

  @Test
  void should_refuse_a_queue_whose_name_the_ledger_cannot_hold() throws Exception {
    system.setProperty("waybill.bullmq.prefix", "{bull}");
    system.setProperty("waybill.bullmq.queue", "ổ".repeat(184));
    assertEquals("{bull}", settings().bullmq().prefix());

    system.setProperty("waybill.bullmq.queue", "ổ".repeat(185));

    assertEquals("waybill.bullmq.queue", faults().get(0).key());
    assertEquals(
        "at most 191 characters with waybill.bullmq.prefix and a colon",
        faults().get(0).expected());
  }

  @Test
  void should_take_remotes_hosts_and_cages_as_they_are_written() throws Exception {
    system.setProperty("waybill.upload.remote", "Ổ đĩa_1+a@b.c-d");
    system.setProperty("waybill.upload.dest", "/a..b/Khoá học/");
    system.setProperty("waybill.allowed-hosts", "S.example:8443, .e.example, 127.0.0.1, [::1]:80");
    system.setProperty("waybill.download.limits", "nofile=1024, as=2GiB");
    system.setProperty("waybill.download.wrapper", "bwrap --bind {sandbox} \"{sandbox}\" --");

    Settings settings = settings();

    assertEquals("Ổ đĩa_1+a@b.c-d:/a..b/Khoá học/x", settings.upload().target("x"));
    assertEquals(
        List.of("s.example:8443", ".e.example", "127.0.0.1", "[::1]:80"),
        settings.queue().allowedHosts());
    assertEquals(List.of("--nofile=1024", "--as=2147483648"), settings.download().cage().limits());
    assertEquals(
        List.of("bwrap", "--bind", "{sandbox}", "{sandbox}", "--"),
        settings.download().cage().wrapper());
  }

  @Test
  void should_show_jmx_over_http_on_loopback_only() throws Exception {
    system.setProperty("waybill.jolokia.enabled", "true");
    assertTrue(settings().extras().jolokia());

    system.setProperty("waybill.http.host", "0.0.0.0");
    assertEquals("waybill.jolokia.enabled", faults().get(0).key());

    system.setProperty("waybill.http.host", "localhost");
    system.setProperty("waybill.http.port", "0");
    assertEquals("waybill.jolokia.enabled", faults().get(0).key());
  }

  @Test
  void should_never_print_a_secret() {
    system.setProperty("waybill.webhook.url", "no-url-but-a-t0ken");
    system.setProperty("waybill.webhook.signing-secret", "whsec_n0t*base64");
    system.setProperty("waybill.workers", "0");

    String message = assertThrows(BadSettings.class, this::settings).getMessage();

    assertFalse(message.contains("t0ken"), message);
    assertFalse(message.contains("n0t"), message);
    assertFalse(message.contains("very-secret"), message);
  }

  @Test
  void should_give_no_secret_to_another_setting() {
    system.setProperty("waybill.log.dir", "/logs/{{waybill.webhook.secret}}");
    system.setProperty("waybill.workers", "{{waybill.db.password}}");

    String message = assertThrows(BadSettings.class, this::settings).getMessage();

    assertFalse(message.contains("very-secret") || message.contains("assword\n"), message);
    assertTrue(message.contains("waybill.log.dir: expected no secret between {{ and }}"), message);
  }

  /** Its line ends with a backslash: the next one goes on with it. */
  @Test
  void should_not_print_a_secret_that_another_line_has_swallowed() throws Exception {
    Files.writeString(
        directory.resolve("waybill.properties"),
        "waybill.lease = 30s \\\nwaybill.redis.password = sw4llowed\n");

    String message = assertThrows(BadSettings.class, this::settings).getMessage();

    assertTrue(message.startsWith("waybill.lease: expected a duration"), message);
    assertFalse(message.contains("sw4llowed"), message);
  }

  @Test
  void should_say_each_fault_once_and_in_one_line() {
    system.setProperty("waybill.workers", "5\nwaybill.lease: expected nothing\u001b[2J");
    system.setProperty("waybill.staging.dir", "/staging\0/x");
    system.setProperty("waybill.upload.config", "{{waybill.nothing}}");

    List<String> lines =
        assertThrows(BadSettings.class, this::settings).getMessage().lines().toList();

    assertEquals(3, lines.size(), lines.toString());
    assertFalse(String.join("", lines).chars().anyMatch(Character::isISOControl), lines.toString());
    assertTrue(
        lines.contains(
            "waybill.staging.dir: expected a path that this system can have, found '/staging?/x'"),
        lines.toString());
  }

  @Test
  void should_keep_secrets_out_of_what_routes_can_read() throws Exception {
    Map<String, String> shown = settings().values();

    assertFalse(shown.containsValue("very-secret"));
    assertFalse(shown.containsValue("p{{assword"));
    assertFalse(shown.containsKey("waybill.webhook.url"));
  }

  @Test
  void should_prefer_system_property_to_environment_to_file_to_default() throws Exception {
    Files.writeString(
        directory.resolve("waybill.properties"),
        "waybill.workers = 7\nwaybill.retry.tries = 8\nwaybill.lease = 40s\n");
    environment.put("WORKER_COUNT", "9");
    environment.put("WAYBILL_RETRY_TRIES", "10");
    system.setProperty("waybill.workers", "11");

    Settings settings = settings();

    assertEquals(11, settings.workers());
    assertEquals(10, settings.retries().get("download").tries());
    assertEquals(Duration.ofSeconds(40), settings.lease());
  }

  @Test
  void should_read_a_dot_env_file() throws Exception {
    environment.remove("DB_USER");
    Files.writeString(
        directory.resolve(".env"),
        "# shop\nexport DB_USER=\"người dùng\"\nWORKER_COUNT='3'\nSOMETHING_ELSE=1\n");

    Settings settings = settings();

    assertEquals("người dùng", settings.database().user());
    assertEquals(3, settings.workers());
  }

  @Test
  void should_refuse_a_named_file_that_is_not_there() {
    environment.put("WAYBILL_CONFIG", directory.resolve("missing.properties").toString());

    assertEquals("WAYBILL_CONFIG", faults().get(0).key());
  }

  @Test
  void should_let_one_stage_have_its_own_ladder() throws Exception {
    system.setProperty("waybill.retry.tries", "5");
    system.setProperty("waybill.upload.tries", "2");

    Settings settings = settings();

    assertEquals(5, settings.retries().get("download").tries());
    assertEquals(2, settings.retries().get("upload").tries());
  }

  @Test
  void should_know_an_environment_name_for_every_key_and_no_other() {
    Map<String, String> defaults = Sources.defaults();
    Map<String, String> variables = Sources.variables(defaults);

    assertTrue(defaults.keySet().containsAll(variables.values()), "a name for an unknown key");
    defaults.keySet().stream()
        .filter(key -> key.startsWith("waybill."))
        .forEach(key -> assertTrue(variables.containsValue(key), key));
    assertEquals("waybill.http.token", variables.get("WAYBILL_TOKEN"));
    assertEquals("waybill.http.host", variables.get("WAYBILL_HTTP_HOST"));
  }

  @Test
  void should_fill_a_template_without_splitting_what_is_put_in() {
    List<String> words =
        ArgumentTemplate.split("-c {courseUrl} \"--out={sandbox}\" 'a b'").orElseThrow();

    assertEquals(
        List.of("-c", "https://x/$(id) {sandbox}", "--out=/s p", "a b"),
        ArgumentTemplate.fill(
            words, Map.of("courseUrl", "https://x/$(id) {sandbox}", "sandbox", "/s p")));
  }

  private Path file(String name, String content) throws Exception {
    Path file = Files.writeString(directory.resolve(name), content);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    return file;
  }

  @Test
  void should_read_secrets_from_files_and_take_one_line_break_off() throws Exception {
    environment.remove("DB_PASSWORD");
    environment.remove("API_SECRET_KEY");
    environment.put("DB_PASSWORD_FILE", file("db", "p{{ word \n").toString());
    environment.put("API_SECRET_KEY_FILE", file("api", "key\n\n").toString());
    environment.put("REDIS_PASSWORD_FILE", file("redis", "rédis\r\n").toString());
    environment.put("WEBHOOK_SIGNING_SECRET_FILE", file("sign", "new-one old-one").toString());
    system.setProperty("waybill.http.token-file", file("token", "t0ken").toString());

    Settings settings = settings();

    assertEquals("p{{ word ", settings.database().password());
    assertEquals("key\n", settings.webhook().secret());
    assertEquals("rédis", settings.redis().password());
    assertEquals(List.of("new-one", "old-one"), settings.webhook().signingSecrets());
    assertEquals(List.of("t0ken"), settings.http().tokens());
    assertEquals(List.of(), settings.warnings());
    assertFalse(settings.values().containsValue("t0ken"));
  }

  @Test
  void should_warn_of_a_secret_that_others_can_read_or_that_is_too_short() throws Exception {
    Path open = file("open", "redis-secret");
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-r--r--"));
    environment.put("REDIS_PASSWORD_FILE", open.toString());
    environment.put("WAYBILL_TOKEN", "longer,abc");
    system.setProperty("waybill.db.password", "on-the-line");

    List<String> warnings = settings().warnings();

    assertEquals(2, warnings.size(), warnings.toString());
    assertTrue(warnings.get(0).startsWith("waybill.redis.password-file: "), warnings.get(0));
    assertTrue(warnings.get(0).contains(open.toString()));
    assertTrue(warnings.get(1).startsWith("waybill.http.token: expected at least 4"));
    List<String> ofLine = Sources.warnings(system);
    assertEquals(1, ofLine.size());
    assertTrue(ofLine.get(0).contains("DB_PASSWORD_FILE"), ofLine.get(0));
    assertFalse(ofLine.get(0).contains("on-the-line"));
  }

  @Test
  void should_say_what_is_wrong_with_a_secret_s_file_and_nothing_of_what_is_in_it()
      throws Exception {
    Path long64 = file("long", "c".repeat(64 * 1024) + "a");
    Path binary = directory.resolve("binary");
    Files.write(binary, new byte[] {'c', 'a', (byte) 0xff});
    for (String[] bad :
        new String[][] {
          {"REDIS_PASSWORD_FILE", "/no/such/file", "not there"},
          {"REDIS_PASSWORD_FILE", directory.toString(), "not a file"},
          {"REDIS_PASSWORD_FILE", "/dev/zero", "not a file"},
          {"REDIS_PASSWORD_FILE", file("empty", "\n").toString(), "empty"},
          {"REDIS_PASSWORD_FILE", long64.toString(), "longer"},
          {"REDIS_PASSWORD_FILE", binary.toString(), "no UTF-8"},
          {"REDIS_PASSWORD_FILE", "\0", "not readable"}
        }) {
      environment.put(bad[0], bad[1]);

      Fault fault = faults().get(0);

      assertEquals("waybill.redis.password-file", fault.key());
      assertTrue(fault.expected().contains(bad[0]), fault.toString());
      String shown = bad[1].replace('\0', '?');
      assertTrue(fault.found().contains(shown) && fault.found().contains(bad[2]), fault.found());
      assertFalse(fault.toString().contains("ca"), fault.toString());
    }
    environment.put("REDIS_PASSWORD_FILE", file("good", "from-the-file").toString());
    environment.put("REDIS_PASSWORD", "from-the-environment");
    assertTrue(faults().get(0).found().startsWith("both"), faults().toString());
    assertFalse(faults().toString().contains("from-the"), faults().toString());
  }

  @Test
  void should_take_two_secrets_where_they_are_changed_and_no_third() throws Exception {
    environment.put("WEBHOOK_SIGNING_SECRET", "whsec_bmV3, whsec_b2xk");
    environment.put("WAYBILL_TOKEN", "new-one,old-one");
    assertEquals(List.of("whsec_bmV3", "whsec_b2xk"), settings().webhook().signingSecrets());
    assertEquals(List.of("new-one", "old-one"), settings().http().tokens());

    environment.put("WEBHOOK_SIGNING_SECRET", "one,two,three");
    assertEquals("waybill.webhook.signing-secret", faults().get(0).key());
    assertFalse(faults().toString().contains("three"));
  }

  @Test
  void should_refuse_a_webhook_that_cannot_be_called_safely() throws Exception {
    for (String url :
        List.of(
            "ftp://shop.example/hook",
            "https:///hook",
            "//shop.example/hook",
            "https://user:hidden-1@shop.example/hook",
            "https://shop.example/hook#hidden-1")) {
      environment.put("WEBHOOK_URL", url);
      Fault fault = faults().get(0);
      assertEquals("waybill.webhook.url", fault.key());
      assertTrue(!fault.toString().contains("hidden-1"), fault.toString());
    }
    environment.put("WEBHOOK_URL", "https://shop.example/hook?key=x");
    settings();
  }

  @Test
  void should_check_how_the_webhook_is_called() throws Exception {
    assertTrue(settings().outgoing().verifyTls());
    assertEquals(64 * 1024, settings().outgoing().answerMax());
    Path noCertificate = directory.resolve("empty.pem");
    java.nio.file.Files.writeString(noCertificate, "-----BEGIN CERTIFICATE-----\nxx\n");
    environment.put("WAYBILL_WEBHOOK_TRUST_STORE", noCertificate.toString());
    environment.put("WAYBILL_WEBHOOK_TLS_VERIFY", "no");
    environment.put("WAYBILL_WEBHOOK_PROXY", "socks://user:hidden-2@proxy:1");
    environment.put("WAYBILL_WEBHOOK_ANSWER_MAX", "1GiB");

    List<Fault> faults = faults();

    assertEquals(
        List.of(
            "waybill.webhook.answer-max",
            "waybill.webhook.proxy",
            "waybill.webhook.tls-verify",
            "waybill.webhook.trust-store"),
        faults.stream().map(Fault::key).sorted().toList());
    assertTrue(!faults.toString().contains("hidden-2"), faults.toString());
    environment.put("WAYBILL_WEBHOOK_PROXY", "none");
    environment.put("WAYBILL_WEBHOOK_TRUST_STORE", "/nowhere");
    assertEquals(3, faults().size());
  }

  @Test
  void should_warn_of_what_others_could_read() throws Exception {
    assertEquals(List.of(), settings().warnings());
    environment.put("WEBHOOK_URL", "http://127.0.0.1:8080/hook");
    assertEquals(List.of(), settings().warnings());
    environment.put("WEBHOOK_URL", "http://shop.example/hook");
    environment.put("WAYBILL_WEBHOOK_TLS_VERIFY", "false");

    String warnings = settings().warnings().toString();

    assertTrue(warnings.contains("tls-verify is false"), warnings);
    assertTrue(warnings.contains("WEBHOOK_URL is http"), warnings);
  }

  @Test
  void should_take_the_password_of_a_proxy_in_the_environment_out_of_what_programs_print()
      throws Exception {
    for (String proxy :
        List.of(
            "http://user:hidden%40pass@proxy.example:3128",
            "HTTPS://user:hidden@pass@proxy.example", "user:hidden@pass@[::1]:99999")) {
      Redactor redactor = Redactor.of(settings(), Map.of("https_proxy", proxy));

      String clean = redactor.clean("dial hidden@pass: " + proxy + " refused");

      assertTrue(!clean.contains("hidden") && clean.contains("refused"), clean);
    }
    Redactor none = Redactor.of(settings(), Map.of("HTTP_PROXY", "http://proxy.example:3128"));
    assertEquals("proxy.example:3128", none.clean("proxy.example:3128"));
  }
}
