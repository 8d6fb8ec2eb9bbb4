package routes.operator;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import routes.queue.RedisKeys;
import routes.settings.BadSettings;
import routes.settings.Settings;

/**
 * What a worker and its command line need in the two stores, and no more. Whoever writes a new
 * statement or Redis command adds what it needs here; the test of this runs with exactly that.
 */
@Command(
    name = "grants",
    description = {
      "Prints the SQL and the Redis ACL that give a worker what it needs, and no more.",
      "For the users, schema and queues of the settings; <password> is to be put in."
    })
final class Grants extends Cli.Base {
  /** Of the shop's table: what is read, and what is written. Source: CONTRACT.md, section 3. */
  private static final String SHOP =
      "SELECT (id, order_id, email, course_url, status, error_log, updated_at),"
          + " UPDATE (status, error_log, updated_at)";

  /** Of our own: every day, and while they are made or changed. */
  private record Own(String daily, String migrating) {}

  private static final Map<String, Own> OWN = new LinkedHashMap<>();

  static {
    OWN.put("waybill_schema_history", new Own("SELECT", "CREATE, INSERT, UPDATE, DELETE"));
    OWN.put("waybill_job", new Own("SELECT, INSERT, UPDATE", "CREATE, ALTER"));
    OWN.put("waybill_worker", new Own("SELECT, INSERT, UPDATE, DELETE", "CREATE"));
    OWN.put("waybill_hold", new Own("SELECT, INSERT, UPDATE, DELETE", "CREATE"));
    OWN.put("waybill_history", new Own("SELECT, INSERT, DELETE", "CREATE, ALTER"));
    OWN.put("waybill_alert", new Own("SELECT, INSERT, UPDATE, DELETE", "CREATE"));
  }

  /** As {@link #OWN}; every day only where a BullMQ queue is worked. */
  private static final Map<String, Own> BULLMQ = new LinkedHashMap<>();

  static {
    BULLMQ.put("waybill_bullmq", new Own("SELECT, INSERT, UPDATE, DELETE", "CREATE"));
    BULLMQ.put("waybill_installation", new Own("SELECT, INSERT", "CREATE"));
  }

  /** What the scripts of a BullMQ queue use, beside the others. */
  private static final List<String> BULLMQ_COMMANDS =
      List.of(
          "evalsha exists incr lpush rpoplpush",
          "hdel hexists hget hgetall hincrby hmget hset",
          "sadd scard smembers srem",
          "zpopmin zrangebyscore zrem zrevrange zrevrangebyscore",
          "pttl xadd xrevrange");

  /** By what they are for: the queue, the bell, the rate, the cache, news, connections. */
  private static final List<String> COMMANDS =
      List.of(
          "eval lmove blmove lrem rpush lpush ltrim lrange llen",
          "zadd bzpopmin",
          "time zremrangebyscore zcard zrange pexpire",
          "get set del",
          "publish subscribe unsubscribe",
          "ping info client|setname");

  @Option(
      names = "--migrate",
      description = {
        "For the first start, and for the start after an upgrade: also what it takes to make and",
        "change the waybill_* tables."
      })
  boolean migrate;

  @Override
  public Integer call() throws BadSettings {
    Settings settings = cli().settings();
    sql(settings).forEach(out()::println);
    out().println(redis(settings));
    return Cli.DONE;
  }

  private List<String> sql(Settings settings) {
    Settings.Database database = settings.database();
    String user = text(database.user()) + "@'%'";
    Map<String, String> privileges = new LinkedHashMap<>();
    privileges.put("download_tasks", SHOP);
    OWN.forEach((table, own) -> privileges.put(table, privileges(own, true)));
    BULLMQ.forEach(
        (table, own) -> privileges.put(table, privileges(own, settings.bullmq().enabled())));
    return Stream.concat(
            Stream.of("CREATE USER IF NOT EXISTS " + user + " IDENTIFIED BY '<password>';"),
            privileges.entrySet().stream()
                .filter(table -> !table.getValue().isEmpty())
                .map(table -> grant(table.getValue(), database.name(), table.getKey(), user)))
        .toList();
  }

  private String privileges(Own table, boolean daily) {
    return Stream.concat(
            Stream.of(table.daily()).filter(every -> daily),
            Stream.of(table.migrating()).filter(first -> migrate))
        .collect(Collectors.joining(", "));
  }

  private static String grant(String privileges, String schema, String table, String user) {
    return "GRANT " + privileges + " ON " + name(schema) + "." + table + " TO " + user + ";";
  }

  private static String name(String identifier) {
    return "`" + identifier.replace("`", "``") + "`";
  }

  private static String text(String value) {
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'";
  }

  private static String redis(Settings settings) {
    String user = settings.redis().username();
    boolean bullmq = settings.bullmq().enabled();
    Stream<String> keys =
        Stream.of(
                RedisKeys.inboxes(settings.queue()).stream().map(Grants::literally),
                Stream.of("waybill:*"),
                Stream.of(settings.bullmq().prefix() + ":" + settings.bullmq().queue())
                    .filter(name -> bullmq)
                    .map(name -> literally(name) + ":*"))
            .flatMap(names -> names);
    Stream<String> channels =
        Stream.of(RedisKeys.EVENTS, literally(settings.enrolment().channel()));
    Stream<String> commands =
        Stream.concat(COMMANDS.stream(), BULLMQ_COMMANDS.stream().filter(line -> bullmq))
            .flatMap(line -> Stream.of(line.split(" ")))
            .distinct()
            .map(word -> "+" + word);
    return "ACL SETUSER "
        + (user.isEmpty() ? "waybill" : user)
        + " reset on ><password> "
        + keys.map(key -> word("~" + key)).collect(Collectors.joining(" "))
        + " "
        + channels.map(channel -> word("&" + channel)).collect(Collectors.joining(" "))
        + " "
        + commands.collect(Collectors.joining(" "))
        + (settings.redis().database() == 0 ? "" : " +select");
  }

  /** A name as a pattern that means nothing but this name. */
  private static String literally(String name) {
    return name.replaceAll("([\\\\*?\\[\\]])", "\\\\$1");
  }

  /** As redis-cli reads it. */
  private static String word(String text) {
    return text.matches("[\\x21-\\x7e&&[^\"'\\\\]]+")
        ? text
        : '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }
}
