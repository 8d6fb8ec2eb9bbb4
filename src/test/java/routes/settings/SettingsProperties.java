package routes.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import fuzz.Hostile;
import fuzz.Property;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/** What must hold of settings, whatever an operator or a broken file gives. */
public final class SettingsProperties {
  private static final String CANARY = "c4nary";
  private static final List<String> SECRETS =
      List.of(
          "waybill.redis.password",
          "waybill.db.password",
          "waybill.webhook.secret",
          "waybill.webhook.signing-secret",
          "waybill.http.token",
          "waybill.alert.url");
  private static final Map<String, String> GOOD =
      Map.of(
          "waybill.db.user", "shop",
          "waybill.db.name", "shop",
          "waybill.webhook.url", "https://shop.example/hook",
          "waybill.download.program", "/usr/bin/downloader",
          "waybill.allowed-hosts", "shop.example",
          "waybill.upload.remote", "drive");
  private static final Map<String, String> DEFAULTS = new TreeMap<>(Sources.defaults());
  private static final List<String> KEYS =
      DEFAULTS.keySet().stream().filter(key -> key.startsWith("waybill.")).toList();
  private static final Path FILES = Path.of("target", "fuzz", "settings").toAbsolutePath();

  private SettingsProperties() {}

  public static List<Property> all() {
    return List.of(
        new Property("settings-soup", 4, SettingsProperties::soup),
        new Property("settings-file", 60, SettingsProperties::file),
        new Property("durations-and-sizes", SettingsProperties::units),
        new Property("argument-template", SettingsProperties::template),
        new Property("argument-template-hostile", SettingsProperties::templateHostile));
  }

  private static Map<String, String> good(Hostile input) {
    Map<String, String> values = new TreeMap<>(DEFAULTS);
    values.putAll(GOOD);
    for (String key : SECRETS) {
      values.put(
          key, (key.endsWith("url") ? "https://chat.example/" : "") + CANARY + input.word(9));
    }
    return values;
  }

  /** Read whole or refused with a line for each fault; no secret is told either way. */
  private static void soup(Hostile input) {
    Map<String, String> values = good(input);
    for (int i = input.below(5); i > 0; i--) {
      String key = input.chance(90) ? input.of(KEYS) : input.mutated(input.of(KEYS));
      values.put(
          key,
          switch (input.below(5)) {
            case 0 -> input.number() + input.of("", "s", "ms", "d", "MiB", "B");
            case 1 -> "{{" + input.of(input.of(KEYS), key, input.text()) + "}}" + input.of("", "x");
            case 2 -> input.mutated(values.getOrDefault(key, ""));
            case 3 -> input.word(8);
            default -> input.text();
          });
    }
    check(values);
  }

  private static void check(Map<String, String> values) {
    String secret = String.join("\n", SECRETS.stream().map(values::get).toList());
    try {
      Settings settings = Settings.from(values);
      assertTrue(settings.workers() >= 1 && settings.workers() <= 1000);
      assertTrue(settings.http().port() >= 0 && settings.http().port() <= 65535);
      assertFalse(settings.lease().isNegative());
      assertTrue(settings.queue().payloadMax() >= 1024);
      assertTrue(settings.download().staging().isAbsolute());
      if (secret.contains(CANARY)) {
        assertFalse(settings.values().toString().contains(CANARY), "told to routes");
        assertFalse(
            (settings.redis()
                    + " "
                    + settings.database()
                    + " "
                    + settings.webhook()
                    + " "
                    + settings.http())
                .contains(CANARY));
      }
    } catch (BadSettings e) {
      assertFalse(e.getMessage().contains(CANARY), e.getMessage());
      assertFalse(e.faults().isEmpty());
      assertEquals(e.faults().size(), e.getMessage().lines().count(), e.getMessage());
      for (String line : e.getMessage().split("\n", -1)) {
        assertTrue(line.contains(": expected ") && line.contains(", found "), line);
        assertFalse(line.chars().anyMatch(Character::isISOControl), line);
      }
    }
  }

  /** The same from files, which may be anything. */
  private static void file(Hostile input) throws IOException {
    Files.createDirectories(FILES);
    Path file = FILES.resolve(input.of("waybill.properties", "waybill.env"));
    List<String> lines = new ArrayList<>();
    good(input).forEach((key, value) -> lines.add(key + "=" + value));
    for (int i = input.below(4); i > 0; i--) {
      lines.add(
          input.below(lines.size()),
          input.of("export ", "", "#", "\\u00", "\\")
              + input.of(KEYS)
              + input.of("=", ":", " = '", "")
              + input.mutated(input.text())
              + input.of("", "\\"));
    }
    byte[] bytes =
        input.chance(10)
            ? input.bytes(500)
            : String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
    Files.write(file, bytes);
    Map<String, String> environment = new HashMap<>(Map.of("WAYBILL_CONFIG", file.toString()));
    environment.put("DB_PASSWORD", CANARY + "1");
    try {
      Map<String, String> values = Sources.read(environment, new Properties(), FILES);
      SECRETS.forEach(key -> values.put(key, CANARY + "2"));
      check(values);
    } catch (BadSettings e) {
      assertFalse(e.getMessage().contains(CANARY), e.getMessage());
      assertTrue(e.getMessage().startsWith("WAYBILL_CONFIG: expected "), e.getMessage());
    }
  }

  /** What is written is read again; what is read is what it says. */
  private static void units(Hostile input) {
    Duration duration = Duration.ofMillis(Math.floorMod(input.number(), 1L << 39));
    assertEquals(duration, Units.duration(Units.write(duration)).orElseThrow());
    String text =
        input.mutated(input.number() + input.of("ms", "s", "m", "h", "d", "B", "KiB", "TiB"));
    Units.duration(text).ifPresent(read -> assertTrue(!read.isNegative(), text));
    Units.size(text)
        .ifPresent(
            read -> {
              long number = Long.parseLong(text.replaceAll("[^0-9]", ""));
              assertTrue(number == 0 ? read == 0 : read % number == 0, text);
              assertTrue(number == 0 || Long.bitCount(read / number) == 1, text);
            });
  }

  /** Quoted words come out as they were; what is put in is one argument, byte for byte. */
  private static void template(Hostile input) {
    List<String> words = new ArrayList<>();
    StringBuilder template = new StringBuilder();
    for (int i = input.below(6); i > 0; i--) {
      String word = input.text().replace("'", "");
      words.add(word);
      template.append('\'').append(word).append('\'').append(input.of(" ", "\t", "   "));
    }
    assertEquals(words, ArgumentTemplate.split(template.toString()).orElseThrow());

    String url = input.text() + input.of("", "$1", "\\", "{sandbox}", " x");
    List<String> filled =
        ArgumentTemplate.fill(
            List.of("-c", "{courseUrl}", "a{courseUrl}b{taskId}"),
            Map.of("courseUrl", url, "taskId", "7", "sandbox", "/s"));
    assertEquals(List.of("-c", url, "a" + url + "b7"), filled);
  }

  /** A template is split at no more places than it has spaces, or refused. */
  private static void templateHostile(Hostile input) {
    String template = input.mutated("-c {courseUrl} \"-o {sandbox}\" 'x y' " + input.text());

    ArgumentTemplate.split(template)
        .ifPresent(
            words -> {
              assertTrue(
                  words.size() <= 1 + template.chars().filter(Character::isWhitespace).count());
              ArgumentTemplate.unknownPlaceholders(words);
              assertEquals(
                  words.size(), ArgumentTemplate.fill(words, Map.of("courseUrl", "u")).size());
            });
  }
}
