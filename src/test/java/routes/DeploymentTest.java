package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import routes.monitoring.Alerts;
import routes.settings.Settings;
import routes.settings.Sources;
import servers.Ports;
import servers.Shop;

/** What an operator deploys with fits the worker that is deployed. */
class DeploymentTest extends WorkerTest {
  private static final Path RULES = Path.of("deploy/prometheus/waybill-rules.yml");
  private static final Path DASHBOARD = Path.of("deploy/grafana/waybill.json");
  private static final Path OPERATIONS = Path.of("docs/operations.md");

  /** A metric, and what is asked of its labels. */
  private static final Pattern SELECTOR =
      Pattern.compile("\\b((?:waybill|jvm|process|system|camel)_[a-z0-9_]+)(?:\\{([^}]*)\\})?");

  private static final Pattern LABEL = Pattern.compile("([a-z_]+)\\s*(=~|!~|!=|=)\"([^\"]*)\"");

  /** Labels that Prometheus adds. */
  private static final Set<String> OF_PROMETHEUS = Set.of("job", "instance");

  /** What Camel and the last writes, and a start that has to end first, may take. */
  private static final int LAST_WRITES_AND_START = 5 + 20;

  private static final int SPARE_SECONDS = 15;

  private static String scrape(int port) throws Exception {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/observe/metrics"))
                .build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  /** Names of all series, and the values each of their labels has. */
  private static Map<String, Map<String, Set<String>>> series(String scrape) {
    Map<String, Map<String, Set<String>>> series = new HashMap<>();
    scrape
        .lines()
        .filter(line -> !line.startsWith("#"))
        .forEach(
            line -> {
              String name = line.split("[{ ]", 2)[0];
              Map<String, Set<String>> labels =
                  series.computeIfAbsent(name, unseen -> new TreeMap<>());
              Matcher label = LABEL.matcher(line);
              while (label.find()) {
                labels
                    .computeIfAbsent(label.group(1), unseen -> new TreeSet<>())
                    .add(label.group(3));
              }
            });
    return series;
  }

  private static Stream<String> ruleExpressions() throws Exception {
    return alerts().stream().map(rule -> rule.path("expr").asText());
  }

  private static List<JsonNode> alerts() throws Exception {
    List<JsonNode> alerts = new ArrayList<>();
    for (JsonNode group : new YAMLMapper().readTree(RULES.toFile()).path("groups")) {
      group.path("rules").forEach(alerts::add);
    }
    return alerts;
  }

  private static Stream<String> dashboardExpressions() throws Exception {
    JsonNode dashboard = new ObjectMapper().readTree(DASHBOARD.toFile());
    List<String> expressions = new ArrayList<>(dashboard.findValuesAsText("expr"));
    expressions.addAll(dashboard.findValuesAsText("definition"));
    return expressions.stream();
  }

  @Test
  void should_ask_for_nothing_that_a_worker_does_not_tell() throws Exception {
    int port = Ports.free();
    startWorker(
        "WAYBILL_HTTP_PORT",
        String.valueOf(port),
        "WAYBILL_WATCH_PERIOD",
        "100ms",
        "WAYBILL_QUEUE_SOURCE",
        "list,bullmq");
    long taskId = shop.order("ok");
    awaitState(taskId, "done");
    // The first collection of garbage makes its series.
    System.gc();
    until(
        () ->
            scrape(port).contains("waybill_jobs_total{outcome=\"completed\",stage=\"none\"} 1.0")
                && scrape(port).contains("jvm_gc_pause_seconds_sum"),
        "the job is counted");
    Map<String, Map<String, Set<String>>> series = series(scrape(port));

    List<String> missing = new ArrayList<>();
    Set<String> asked = new TreeSet<>();
    for (String expression : Stream.concat(ruleExpressions(), dashboardExpressions()).toList()) {
      Matcher selector = SELECTOR.matcher(expression);
      while (selector.find()) {
        asked.add(selector.group(1));
        Map<String, Set<String>> labels = series.get(selector.group(1));
        if (labels == null) {
          missing.add(selector.group(1));
          continue;
        }
        Matcher label = LABEL.matcher(selector.group(2) == null ? "" : selector.group(2));
        while (label.find()) {
          if (!OF_PROMETHEUS.contains(label.group(1))
              && !isThere(labels.get(label.group(1)), label.group(2), label.group(3))) {
            missing.add(selector.group());
          }
        }
      }
    }
    assertEquals(List.of(), missing);
    assertTrue(asked.size() > 20, asked.toString());
  }

  private static boolean isThere(Set<String> values, String operator, String value) {
    return values != null
        && (operator.startsWith("!")
            || values.stream()
                .anyMatch(v -> operator.equals("=~") ? v.matches(value) : v.equals(value)));
  }

  @Test
  void should_have_a_rule_and_a_runbook_for_each_alert() throws Exception {
    Set<String> anchors =
        Files.readAllLines(OPERATIONS).stream()
            .filter(line -> line.startsWith("#"))
            .map(line -> line.replaceFirst("^#+ ", "").toLowerCase(Locale.ROOT))
            .map(title -> title.replaceAll("[^a-z0-9 -]", "").replace(' ', '-'))
            .collect(Collectors.toSet());
    Set<String> ruled = new TreeSet<>();
    for (JsonNode rule : alerts()) {
      String name =
          rule.path("alert")
              .asText()
              .replaceFirst("^Waybill", "")
              .replaceAll("(?<=.)([A-Z])", "-$1")
              .toLowerCase(Locale.ROOT);
      ruled.add(name);
      assertEquals(
          "docs/operations.md#" + name, rule.path("annotations").path("runbook_url").asText());
      assertFalse(rule.path("annotations").path("summary").asText().isBlank(), name);
      assertTrue(
          Set.of("warning", "critical").contains(rule.path("labels").path("severity").asText()),
          name);
    }

    assertEquals(new TreeSet<>(Alerts.NAMES), ruled);
    assertTrue(anchors.containsAll(ruled), "runbooks: " + anchors);
    Matcher link =
        Pattern.compile("docs/operations\\.md#([a-z-]+)").matcher(Files.readString(DASHBOARD));
    while (link.find()) {
      assertTrue(anchors.contains(link.group(1)), link.group());
    }
  }

  /** Whoever stops a worker by force before it would have stopped itself makes it lose its jobs. */
  @Test
  void should_give_a_worker_the_time_that_its_stop_takes() throws Exception {
    Settings defaults =
        Settings.from(Sources.read(shop.environment(), new Properties(), directory));
    // The shop's own is shorter.
    long kill = Long.parseLong(Sources.defaults().get("waybill.kill.grace").replace("s", ""));
    long needed =
        defaults.shutdownGrace().toSeconds() + kill + LAST_WRITES_AND_START + SPARE_SECONDS;

    for (String unit : List.of("waybill.service", "waybill@.service")) {
      String text = Files.readString(Path.of("deploy/systemd", unit));
      Matcher timeout = Pattern.compile("(?m)^TimeoutStopSec=(\\d+)$").matcher(text);
      assertTrue(timeout.find() && Long.parseLong(timeout.group(1)) >= needed, unit);
      assertTrue(text.contains("\nKillMode=mixed\n"), unit);
    }
    YAMLMapper yaml = new YAMLMapper();
    JsonNode compose = yaml.readTree(Path.of("compose.yaml").toFile());
    String grace = compose.path("x-worker").path("stop_grace_period").asText();
    assertTrue(Long.parseLong(grace.replace("s", "")) >= needed, grace);
    JsonNode pod =
        documents(Path.of("deploy/kubernetes/waybill.yaml")).stream()
            .filter(document -> document.path("kind").asText().equals("Deployment"))
            .findFirst()
            .orElseThrow()
            .path("spec")
            .path("template")
            .path("spec");
    long preStop =
        pod.path("containers")
            .get(0)
            .path("lifecycle")
            .path("preStop")
            .path("exec")
            .path("command")
            .get(1)
            .asLong();
    assertTrue(pod.path("terminationGracePeriodSeconds").asLong() >= needed + preStop);
  }

  private static List<JsonNode> documents(Path file) throws Exception {
    try (MappingIterator<JsonNode> documents =
        new YAMLMapper().readerFor(JsonNode.class).readValues(file.toFile())) {
      return documents.readAll();
    }
  }

  @Test
  void should_have_readable_files_everywhere() throws Exception {
    List<Path> files = new ArrayList<>(List.of(Path.of("compose.yaml")));
    try (Stream<Path> all = Files.walk(Path.of("deploy"))) {
      all.filter(file -> file.toString().endsWith(".yml") || file.toString().endsWith(".yaml"))
          .forEach(files::add);
    }
    assertTrue(files.size() > 5, files.toString());
    for (Path file : files) {
      assertFalse(documents(file).isEmpty(), file.toString());
    }
  }

  /**
   * Both units are one, but for the instance: what is put right in one is forgotten in the other.
   */
  @Test
  void should_have_one_sandbox_in_both_units() throws Exception {
    assertEquals(sandbox("waybill.service"), sandbox("waybill@.service"));
  }

  private static String sandbox(String unit) throws Exception {
    String text = Files.readString(Path.of("deploy/systemd", unit));
    return text.substring(text.indexOf("KillMode="));
  }

  /** Every environment name that the examples set is one that a worker reads. */
  @Test
  void should_set_nothing_that_a_worker_does_not_read() throws Exception {
    Set<String> known = new TreeSet<>(Sources.ENVIRONMENT.keySet());
    Sources.defaults()
        .keySet()
        .forEach(key -> known.add(key.toUpperCase(Locale.ROOT).replaceAll("[.-]", "_")));
    Set<String> set = new TreeSet<>();
    new YAMLMapper()
        .readTree(Path.of("compose.yaml").toFile())
        .path("x-worker")
        .path("environment")
        .fieldNames()
        .forEachRemaining(set::add);
    for (JsonNode document : documents(Path.of("deploy/kubernetes/waybill.yaml"))) {
      if (document.path("metadata").path("name").asText().equals("waybill")) {
        document.path("data").fieldNames().forEachRemaining(set::add);
        document.path("stringData").fieldNames().forEachRemaining(set::add);
      }
    }
    for (String line : Files.readAllLines(Path.of("deploy/systemd/waybill.env"))) {
      if (!line.startsWith("#")) {
        set.add(line.substring(0, line.indexOf('=')));
      }
    }
    set.removeAll(known);
    assertEquals(Set.of(), set);
  }

  /** A rolling upgrade: the first new worker changes the tables, the old ones go on, and start. */
  @Test
  void should_start_on_tables_that_a_newer_version_has_added_to() throws Exception {
    startWorker().stop();
    shop.update(
        "INSERT INTO waybill_schema_history (installed_rank, version, description, type, script,"
            + " checksum, installed_by, execution_time, success)"
            + " VALUES (1000, '1000', 'of a newer version', 'SQL', 'V1000__newer.sql', 1, 'x', 1, 1)");
    shop.update("ALTER TABLE waybill_job ADD COLUMN newer VARCHAR(16) NULL");

    startWorker();

    long taskId = shop.order("ok");
    awaitState(taskId, "done");
    assertEquals(Shop.expected(taskId), shop.delivered());
  }
}
