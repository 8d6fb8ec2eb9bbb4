package routes.settings;

import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Where settings come from, the strongest last: defaults in the jar, one file, the environment,
 * system properties. Keys are {@code waybill.*} and, for Camel's own, {@code camel.*}.
 */
public final class Sources {
  /** The environment's names that are not simply the key in capitals. */
  public static final Map<String, String> ENVIRONMENT =
      Map.ofEntries(
          Map.entry("REDIS_HOST", "waybill.redis.host"),
          Map.entry("REDIS_PORT", "waybill.redis.port"),
          Map.entry("REDIS_USERNAME", "waybill.redis.username"),
          Map.entry("REDIS_PASSWORD", "waybill.redis.password"),
          Map.entry("REDIS_PASSWORD_FILE", "waybill.redis.password-file"),
          Map.entry("REDIS_DB", "waybill.redis.db"),
          Map.entry("DB_HOST", "waybill.db.host"),
          Map.entry("DB_PORT", "waybill.db.port"),
          Map.entry("DB_USER", "waybill.db.user"),
          Map.entry("DB_PASSWORD", "waybill.db.password"),
          Map.entry("DB_PASSWORD_FILE", "waybill.db.password-file"),
          Map.entry("DB_NAME", "waybill.db.name"),
          Map.entry("WEBHOOK_URL", "waybill.webhook.url"),
          Map.entry("API_SECRET_KEY", "waybill.webhook.secret"),
          Map.entry("API_SECRET_KEY_FILE", "waybill.webhook.secret-file"),
          Map.entry("WEBHOOK_SIGNING_SECRET", "waybill.webhook.signing-secret"),
          Map.entry("WEBHOOK_SIGNING_SECRET_FILE", "waybill.webhook.signing-secret-file"),
          Map.entry("DOWNLOADER", "waybill.download.program"),
          Map.entry("DOWNLOADER_ARGS", "waybill.download.args"),
          Map.entry("DOWNLOADER_ENV", "waybill.download.env"),
          Map.entry("ALLOWED_HOSTS", "waybill.allowed-hosts"),
          Map.entry("RCLONE", "waybill.upload.program"),
          Map.entry("RCLONE_CONFIG", "waybill.upload.config"),
          Map.entry("RCLONE_REMOTE", "waybill.upload.remote"),
          Map.entry("RCLONE_DEST", "waybill.upload.dest"),
          Map.entry("STAGING_DIR", "waybill.staging.dir"),
          Map.entry("LOG_DIR", "waybill.log.dir"),
          Map.entry("OTEL_EXPORTER_OTLP_ENDPOINT", "waybill.tracing.endpoint"),
          Map.entry("WORKER_COUNT", "waybill.workers"),
          Map.entry("WAYBILL_TOKEN", "waybill.http.token"),
          Map.entry("WAYBILL_TOKEN_FILE", "waybill.http.token-file"));

  private static final String DEFAULTS = "/application.properties";

  private Sources() {}

  /**
   * @param environment the process's environment
   * @param system the JVM's system properties
   * @param directory where {@code waybill.properties} and {@code .env} are looked for
   * @return the value of every key that is set anywhere
   * @throws BadSettings if the file that was named, or found, cannot be read
   */
  public static Map<String, String> read(
      Map<String, String> environment, Properties system, Path directory) throws BadSettings {
    Map<String, String> values = new TreeMap<>(defaults());
    Map<String, String> variables = variables(values);
    Optional<Path> file = file(environment, directory);
    if (file.isPresent()) {
      values.putAll(read(file.get(), variables));
    }
    values.putAll(fromEnvironment(environment, variables));
    for (String key : system.stringPropertyNames()) {
      if (key.startsWith("waybill.") || key.startsWith("camel.")) {
        values.put(key, system.getProperty(key));
      }
    }
    return values;
  }

  /** What the jar itself says: every key there is, with its default. */
  public static Map<String, String> defaults() {
    try (InputStream in = Sources.class.getResourceAsStream(DEFAULTS)) {
      return properties(new java.io.InputStreamReader(in, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new IllegalStateException("The jar has no readable " + DEFAULTS, e);
    }
  }

  /** Every environment name there is, and the key it sets. */
  static Map<String, String> variables(Map<String, String> known) {
    Map<String, String> variables = new LinkedHashMap<>();
    for (String key : known.keySet()) {
      if (key.startsWith("waybill.")) {
        variables.put(plainVariable(key), key);
      }
    }
    variables.putAll(ENVIRONMENT);
    return variables;
  }

  /** The environment's name of a key. */
  static String variable(String key) {
    return ENVIRONMENT.entrySet().stream()
        .filter(entry -> entry.getValue().equals(key))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseGet(() -> plainVariable(key));
  }

  private static String plainVariable(String key) {
    return key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
  }

  /**
   * @param system the JVM's system properties
   * @return a sentence for each secret that is among them: arguments of a process can be read by
   *     everybody on its host, and over JMX
   */
  public static List<String> warnings(Properties system) {
    return defaults().keySet().stream()
        .filter(key -> key.endsWith(SecretFile.KEY))
        .map(key -> key.substring(0, key.length() - SecretFile.KEY.length()))
        .filter(secret -> system.getProperty(secret) != null)
        .map(
            secret ->
                secret
                    + ": expected "
                    + variable(secret + SecretFile.KEY)
                    + " or "
                    + variable(secret)
                    + ", found it on the command line, where everybody on this host can read it")
        .toList();
  }

  private static Map<String, String> fromEnvironment(
      Map<String, String> environment, Map<String, String> variables) {
    Map<String, String> values = new LinkedHashMap<>();
    variables.forEach(
        (name, key) -> {
          if (environment.containsKey(name)) {
            values.put(key, environment.get(name));
          }
        });
    return values;
  }

  /** The file that is read: the one that is named, or the first that is there. */
  public static Optional<Path> file(Map<String, String> environment, Path directory) {
    String named = environment.get("WAYBILL_CONFIG");
    if (named != null && !named.isBlank()) {
      return Optional.of(Path.of(named));
    }
    return Stream.of("waybill.properties", ".env")
        .map(directory::resolve)
        .filter(Files::exists)
        .findFirst();
  }

  private static Map<String, String> read(Path file, Map<String, String> variables)
      throws BadSettings {
    try {
      return file.getFileName().toString().endsWith(".env")
          ? fromEnvironment(dotEnv(Files.readAllLines(file)), variables)
          : properties(Files.newBufferedReader(file, StandardCharsets.UTF_8));
    } catch (IOException | IllegalArgumentException e) {
      throw new BadSettings(
          List.of(
              new Fault(
                  "WAYBILL_CONFIG",
                  "a readable properties file in UTF-8",
                  file + " (" + e.getClass().getSimpleName() + ")")));
    }
  }

  private static Map<String, String> properties(Reader source) throws IOException {
    try (Reader reader = source) {
      Properties properties = new Properties();
      properties.load(reader);
      Map<String, String> values = new LinkedHashMap<>();
      properties.forEach((key, value) -> values.put((String) key, ((String) value).strip()));
      return values;
    }
  }

  /** {@code NAME=value} lines; {@code export} and one pair of quotes are taken off. */
  private static Map<String, String> dotEnv(List<String> lines) {
    Map<String, String> values = new LinkedHashMap<>();
    for (String raw : lines) {
      String line = raw.strip();
      if (line.startsWith("export ")) {
        line = line.substring("export ".length()).strip();
      }
      int equals = line.indexOf('=');
      if (line.startsWith("#") || equals < 1) {
        continue;
      }
      String value = line.substring(equals + 1).strip();
      boolean quoted =
          value.length() > 1
              && (value.charAt(0) == '"' || value.charAt(0) == '\'')
              && value.charAt(value.length() - 1) == value.charAt(0);
      values.put(
          line.substring(0, equals).strip(),
          quoted ? value.substring(1, value.length() - 1) : value);
    }
    return values;
  }
}
