package routes.settings;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Every setting, typed and checked. {@code application.properties} says what each one does.
 *
 * @param values what was read, without secrets: for {@code {{placeholders}}} in routes
 * @param warnings what can be worked with and should be put right, one sentence each
 */
public record Settings(
    Redis redis,
    Database database,
    Queue queue,
    Bullmq bullmq,
    Enrolment enrolment,
    int workers,
    Duration lease,
    Recovery recovery,
    Flow flow,
    Map<String, Retry> retries,
    Download download,
    Upload upload,
    Webhook webhook,
    Outgoing outgoing,
    Duration shutdownGrace,
    Duration killGrace,
    Logs logs,
    Watching watching,
    Http http,
    Extras extras,
    Map<String, String> values,
    List<String> warnings) {

  /**
   * A shorter secret is no secret: taking it out of every text would make all of them unreadable.
   */
  public static final int SHORTEST_SECRET = 4;

  /**
   * @param username blank for Redis' default user
   */
  public record Redis(
      String host, int port, String username, String password, int database, Duration timeout) {
    @Override
    public String toString() {
      return host + ":" + port + "/" + database;
    }
  }

  public record Database(
      String host,
      int port,
      String user,
      String password,
      String name,
      SslMode sslMode,
      Duration timeout) {
    @Override
    public String toString() {
      return host + ":" + port + "/" + name;
    }
  }

  /** The database driver's names, so that what is set is what the driver is told. */
  public enum SslMode {
    DISABLED,
    PREFERRED,
    REQUIRED,
    VERIFY_CA,
    VERIFY_IDENTITY
  }

  /**
   * @param payloadMax bytes
   * @param allowedHosts exact host names, or suffixes that begin with a dot; lower case
   */
  public record Queue(
      String inbox,
      String vipInbox,
      int intakeConsumers,
      int payloadMax,
      int rejectedMax,
      List<String> allowedHosts) {}

  public record Enrolment(Duration poll, Duration maxWait, String channel) {}

  /**
   * @param maxCrashes within 72 hours
   * @param unseen whether enrolled tasks that never came through the queue are taken in
   */
  public record Recovery(
      int maxCrashes, Duration preferSameHost, boolean unseen, Duration unseenAfter) {}

  /** The ladder of one stage. */
  public record Retry(int tries, Duration delay, Duration maxDelay) {}

  /**
   * @param arguments the template, already split; placeholders are put in later and never split
   *     again
   * @param passedVariables names of variables the program may see
   * @param staging absolute
   * @param minFree bytes
   * @param maxSize bytes
   * @param maxFiles files and directories in one sandbox
   */
  public record Download(
      String program,
      List<String> arguments,
      List<String> passedVariables,
      Cage cage,
      Path staging,
      long minFree,
      long maxSize,
      int maxFiles,
      Links links,
      Duration keep,
      Duration timeout,
      Duration idleTimeout) {}

  /** What a link in a sandbox means. */
  public enum Links {
    REFUSE,
    SKIP
  }

  enum Switch {
    TRUE,
    FALSE
  }

  public enum Verify {
    SIZE,
    HASH,
    NONE
  }

  public record Upload(
      String program,
      Optional<Path> config,
      String remote,
      String destination,
      Verify verify,
      Duration timeout,
      Duration idleTimeout) {
    /** {@code remote:destination/folder}, as rclone wants it. */
    public String target(String folder) {
      return remote + ":" + (destination.isEmpty() ? folder : destination + "/" + folder);
    }
  }

  /**
   * @param signingSecrets one, or the new one and the one before it; none: no second signature
   */
  public record Webhook(
      URI url,
      String secret,
      List<String> signingSecrets,
      Duration connectTimeout,
      Duration timeout) {
    @Override
    public String toString() {
      return url.getScheme() + "://" + url.getHost();
    }
  }

  /**
   * @param taskMax bytes that the log of one task may have
   */
  public record Logs(Path directory, int keepDays, long taskMax) {}

  /**
   * @param port 0 for none
   * @param token one, or the new one and the one before it with a comma between; blank for none
   */
  public record Http(String host, int port, String token) {
    /** Each of them may do the same. */
    public List<String> tokens() {
      return Reader.several(token);
    }

    @Override
    public String toString() {
      return host + ":" + port;
    }
  }

  /**
   * The queue under which the jobs of the ledger are counted and paused. It knows who goes first,
   * and not where a job comes from: where no list is read, all others are the BullMQ queue's.
   */
  public String queueOf(boolean vip) {
    return vip ? queue.vipInbox() : bullmq.lists() ? queue.inbox() : bullmq.queue();
  }

  /** All queues that work comes from, in the order in which they are shown. */
  public List<String> queues() {
    Set<String> all = new LinkedHashSet<>(List.of(queueOf(true), queueOf(false)));
    if (bullmq.enabled()) {
      all.add(bullmq.queue());
    }
    return List.copyOf(all);
  }

  /** Keys of the retry ladders, {@code waybill.<stage>.tries}. */
  private static final List<String> STAGES = List.of("download", "upload", "webhook", "cleanup");

  private static final List<String> PATHS =
      List.of(
          "waybill.staging.dir",
          "waybill.log.dir",
          "waybill.download.program",
          "waybill.upload.program",
          "waybill.upload.config",
          "waybill.routes.dir");

  private static final Duration MILLI = Duration.ofMillis(1);
  private static final Duration MONTH = Duration.ofDays(30);

  /**
   * @param values as {@link Sources#read} gives them
   * @throws BadSettings with every fault there is, if there is one
   */
  public static Settings from(Map<String, String> values) throws BadSettings {
    Reader read = new Reader(values);
    Redis redis =
        new Redis(
            read.required("waybill.redis.host", "a host name"),
            read.count("waybill.redis.port", 1, 65535),
            read.text("waybill.redis.username"),
            read.secret("waybill.redis.password"),
            read.count("waybill.redis.db", 0, 1023),
            read.duration("waybill.redis.timeout", Duration.ofMillis(100), Duration.ofMinutes(1)));
    Database database =
        new Database(
            read.required("waybill.db.host", "a host name"),
            read.count("waybill.db.port", 1, 65535),
            read.required("waybill.db.user", "the database user (DB_USER)"),
            read.requiredSecret("waybill.db.password", "the database password (DB_PASSWORD)"),
            read.required("waybill.db.name", "the shop's schema (DB_NAME)"),
            read.choice("waybill.db.ssl-mode", SslMode.class),
            read.duration("waybill.db.timeout", Duration.ofMillis(250), Duration.ofMinutes(5)));
    Queue queue =
        new Queue(
            read.required("waybill.queue.inbox", "the name of a Redis list"),
            read.required("waybill.queue.vip-inbox", "the name of a Redis list"),
            read.count("waybill.queue.intake-consumers", 2, 64),
            (int) read.size("waybill.queue.payload-max", 1 << 10, 1 << 20),
            read.count("waybill.queue.rejected-max", 1, 100_000),
            AllowedHosts.read(read));
    Bullmq bullmq = Bullmq.read(read);
    Enrolment enrolment =
        new Enrolment(
            read.duration("waybill.enrolment.poll", Duration.ofMillis(20), Duration.ofMinutes(10)),
            read.duration("waybill.enrolment.max-wait", Duration.ofSeconds(1), MONTH),
            read.required("waybill.enrolment.channel", "the name of a Redis channel"));
    int workers = read.count("waybill.workers", 1, 1000);
    Duration lease = read.duration("waybill.lease", Duration.ofSeconds(3), Duration.ofMinutes(10));
    Recovery recovery =
        new Recovery(
            read.count("waybill.recovery.max-crashes", 1, 100),
            read.duration("waybill.recovery.prefer-same-host", Duration.ZERO, Duration.ofDays(1)),
            read.choice("waybill.reconcile.unseen", Switch.class) == Switch.TRUE,
            read.duration(
                "waybill.reconcile.unseen-after", Duration.ofSeconds(1), Duration.ofDays(7)));
    if (recovery.unseen() && !bullmq.lists()) {
      // They take the way of every payload, which is a list.
      read.fault("waybill.reconcile.unseen", "false, since waybill.queue.source has no list");
    }
    Flow flow = Flow.read(read, workers);
    Map<String, Retry> retries = retries(read);
    Download download =
        new Download(
            program(read.required("waybill.download.program", "the downloader (DOWNLOADER)")),
            arguments(read),
            variableNames(read),
            Cage.read(read),
            path(read.required("waybill.staging.dir", "a directory")),
            read.size("waybill.disk.min-free", 0, 1L << 50),
            read.size("waybill.sandbox.max-size", 1, 1L << 50),
            read.count("waybill.download.max-files", 1, 1_000_000),
            read.choice("waybill.download.links", Links.class),
            read.duration("waybill.staging.keep", Duration.ofSeconds(1), Duration.ofDays(3650)),
            read.duration("waybill.download.timeout", Duration.ofMillis(100), MONTH),
            read.duration("waybill.download.idle-timeout", Duration.ofMillis(100), MONTH));
    Upload upload = upload(read);
    Webhook webhook =
        new Webhook(
            read.calledUrl("waybill.webhook.url", "an http or https URL (WEBHOOK_URL)"),
            read.requiredSecret("waybill.webhook.secret", "the shared secret (API_SECRET_KEY)"),
            read.oneOrTwoSecrets("waybill.webhook.signing-secret"),
            read.duration(
                "waybill.webhook.connect-timeout", Duration.ofMillis(10), Duration.ofMinutes(5)),
            read.duration(
                "waybill.webhook.timeout", Duration.ofMillis(10), Duration.ofMinutes(30)));
    webhook.signingSecrets().forEach(secret -> checkSigningSecret(read, secret));
    Outgoing outgoing = Outgoing.read(read);
    Duration shutdownGrace =
        read.duration("waybill.shutdown.grace", Duration.ZERO, Duration.ofHours(1));
    Duration killGrace = read.duration("waybill.kill.grace", Duration.ZERO, Duration.ofMinutes(5));
    Logs logs =
        new Logs(
            path(read.required("waybill.log.dir", "a directory")),
            read.count("waybill.log.keep-days", 1, 3650),
            read.size("waybill.log.task-max", 64 << 10, 1L << 40));
    Watching watching = Watching.read(read);
    Http http =
        new Http(
            read.required("waybill.http.host", "an address to listen on"),
            read.count("waybill.http.port", 0, 65535),
            String.join(",", read.oneOrTwoSecrets("waybill.http.token")));
    Extras extras = Extras.read(read, http);
    checkPaths(read);
    read.finish();
    outgoing.warn(read, webhook.url());

    Map<String, String> shown = new TreeMap<>();
    for (String key : values.keySet()) {
      if (!read.secrets().contains(key) && !key.equals("waybill.webhook.url")) {
        shown.put(key, read.text(key));
      }
    }
    return new Settings(
        redis,
        database,
        queue,
        bullmq,
        enrolment,
        workers,
        lease,
        recovery,
        flow,
        retries,
        download,
        upload,
        webhook,
        outgoing,
        shutdownGrace,
        killGrace,
        logs,
        watching,
        http,
        extras,
        shown,
        read.warnings());
  }

  private static void checkSigningSecret(Reader read, String secret) {
    if (secret.startsWith("whsec_")) {
      try {
        java.util.Base64.getDecoder().decode(secret.substring("whsec_".length()));
      } catch (IllegalArgumentException e) {
        read.hiddenFault(
            "waybill.webhook.signing-secret", "whsec_ and base64 (WEBHOOK_SIGNING_SECRET)");
      }
    }
  }

  private static Map<String, Retry> retries(Reader read) {
    read.count("waybill.retry.tries", 1, 100);
    read.duration("waybill.retry.delay", MILLI, Duration.ofDays(1));
    Duration maxDelay = read.duration("waybill.retry.max-delay", MILLI, Duration.ofDays(7));
    Map<String, Retry> retries = new TreeMap<>();
    for (String stage : STAGES) {
      retries.put(
          stage,
          new Retry(
              read.count("waybill." + stage + ".tries", 1, 100),
              read.duration("waybill." + stage + ".retry-delay", MILLI, Duration.ofDays(1)),
              maxDelay));
    }
    return retries;
  }

  private static List<String> arguments(Reader read) {
    String key = "waybill.download.args";
    Optional<List<String>> words = ArgumentTemplate.split(read.text(key));
    if (words.isEmpty()) {
      read.fault(key, "arguments whose quotes are closed");
    } else if (!ArgumentTemplate.unknownPlaceholders(words.get()).isEmpty()) {
      read.fault(key, "no placeholders but " + ArgumentTemplate.PLACEHOLDERS);
    } else if (words.get().stream().noneMatch(word -> word.contains("{courseUrl}"))) {
      read.fault(key, "a template that holds {courseUrl}");
    }
    return words.orElse(List.of());
  }

  private static List<String> variableNames(Reader read) {
    List<String> names = read.list("waybill.download.env");
    if (names.stream().anyMatch(name -> !name.matches("[A-Za-z_][A-Za-z0-9_]*"))) {
      read.fault("waybill.download.env", "names of environment variables, comma-separated");
    }
    return names;
  }

  private static Upload upload(Reader read) {
    String program = program(read.required("waybill.upload.program", "rclone (RCLONE)"));
    String config = read.text("waybill.upload.config");
    if (!config.isBlank() && !Files.isReadable(path(config))) {
      read.fault("waybill.upload.config", "a readable rclone config file (RCLONE_CONFIG)");
    }
    String remote =
        read.required("waybill.upload.remote", "the name of an rclone remote (RCLONE_REMOTE)");
    if (!remote.isBlank()
        && !remote.matches("[\\p{L}\\p{N}_.+@]([\\p{L}\\p{N}_.+@ -]*[\\p{L}\\p{N}_.+@-])?")) {
      read.fault("waybill.upload.remote", "the name of an rclone remote without colon or slash");
    }
    String destination = read.text("waybill.upload.dest").replaceAll("/+$", "");
    if (List.of(destination.split("/")).contains("..")
        || destination.chars().anyMatch(Character::isISOControl)) {
      read.fault("waybill.upload.dest", "a path without '..' and control characters (RCLONE_DEST)");
    }
    return new Upload(
        program,
        config.isBlank() ? Optional.empty() : Optional.of(path(config)),
        remote,
        destination,
        read.choice("waybill.upload.verify", Verify.class),
        read.duration("waybill.upload.timeout", Duration.ofMillis(100), MONTH),
        read.duration("waybill.upload.idle-timeout", Duration.ofMillis(100), MONTH));
  }

  /**
   * Programs are started in a directory of their own: a relative path would lead elsewhere there.
   */
  private static String program(String text) {
    return text.contains("/") ? path(text).toString() : text;
  }

  /** What cannot be a path at all is told by {@link #checkPaths}. */
  static Path path(String text) {
    try {
      return Path.of(text).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      return Path.of("").toAbsolutePath();
    }
  }

  private static void checkPaths(Reader read) {
    for (String key : PATHS) {
      try {
        Path.of(read.text(key));
      } catch (InvalidPathException e) {
        read.fault(key, "a path that this system can have");
      }
    }
  }
}
