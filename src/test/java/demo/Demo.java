package demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.RedisClient;
import servers.CourseServer;
import servers.DriveServer;
import servers.LocalProcess;
import servers.Ports;
import servers.Shop;
import servers.WebhookReceiver.Call;
import servers.WorkerJar;

/**
 * {@code ./waybill demo}: plays a shop on embedded servers, shows what the worker does, and judges
 * it at the end.
 */
public final class Demo {
  private static final int FILE_BYTES = 4 << 20;
  private static final long BYTES_PER_SECOND = 3 << 20;
  private static final Duration LONGEST = Duration.ofSeconds(90);

  private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private final boolean terminal = System.console() != null;
  private final Board board = new Board(out, terminal);
  private final List<Task> tasks = new ArrayList<>();
  private final List<String> faults = new ArrayList<>();
  private final Path directory =
      Path.of("target", "demo", String.valueOf(ProcessHandle.current().pid())).toAbsolutePath();

  public static void main(String[] arguments) throws Exception {
    boolean keep = arguments.length == 1 && arguments[0].equals("--keep");
    if (arguments.length > 0 && !keep) {
      System.err.println("usage: ./waybill demo [--keep]");
      System.exit(2);
    }
    System.exit(new Demo().run(keep) ? 0 : 1);
  }

  private boolean run(boolean keep) throws Exception {
    out.println(
        "Starting Redis, MariaDB, a WebDAV drive, a course server and a webhook receiver ...");
    ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor();
    try (Shop shop = Shop.openAlone(directory);
        CourseServer courses = CourseServer.start(FILE_BYTES, BYTES_PER_SECOND);
        RedisClient ear = shop.newRedis()) {
      JedisPubSub events = listen(ear);
      out.println("Starting the worker: java -jar target/waybill.jar");
      int port = Ports.free();
      try (LocalProcess worker = startWorker(shop, port)) {
        await(() -> log(shop).contains(" runs "), Duration.ofSeconds(60), "the worker runs");
        out.println();
        play(shop, courses, later);
        boolean ended =
            await(
                () -> board.allEnded() && board.rejected() >= 1 && duplicates() >= 1,
                LONGEST,
                "all tasks ended");
        if (!ended) {
          faults.add("not every task had ended after " + LONGEST.toSeconds() + " s");
        }
        judge(shop, courses);
        summarize(shop);
        if (keep) {
          invite(shop, courses, port);
          new CountDownLatch(1).await();
        }
      } finally {
        events.unsubscribe();
      }
    } finally {
      later.shutdownNow();
    }
    if (faults.isEmpty()) {
      remove(directory);
      out.println("Each task did what it should. Everything is stopped and removed.");
    } else {
      out.println("The demo FAILED; logs: " + directory.resolve("logs"));
    }
    return faults.isEmpty();
  }

  private JedisPubSub listen(RedisClient redis) {
    JedisPubSub events =
        new JedisPubSub() {
          @Override
          public void onMessage(String channel, String message) {
            board.hear(message);
          }
        };
    Thread listener = new Thread(() -> redis.subscribe(events, "waybill:events"), "events");
    listener.setDaemon(true);
    listener.start();
    return events;
  }

  private LocalProcess startWorker(Shop shop, int port) throws IOException {
    Path downloader = directory.resolve("sample-downloader");
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Files.writeString(
        downloader,
        "#!/bin/sh\nexec '"
            + java
            + "' -Xshare:auto -XX:TieredStopAtLevel=1 -Dfile.encoding=UTF-8 -Dstdout.encoding=UTF-8 -cp '"
            + Path.of("target", "test-classes").toAbsolutePath()
            + "' demo.SampleDownloader \"$@\"\n");
    Files.setPosixFilePermissions(downloader, PosixFilePermissions.fromString("rwxr-xr-x"));
    return WorkerJar.start(
        shop,
        "DOWNLOADER",
        downloader.toString(),
        "ALLOWED_HOSTS",
        "127.0.0.1",
        "RCLONE",
        DriveServer.rclone(),
        "WAYBILL_RETRY_DELAY",
        "2s",
        "WAYBILL_ENROLMENT_POLL",
        "1s",
        "WAYBILL_ENROLMENT_MAX_WAIT",
        "12s",
        "WAYBILL_HTTP_PORT",
        String.valueOf(port));
  }

  private void play(Shop shop, CourseServer courses, ScheduledExecutorService later)
      throws Exception {
    order(shop, courses, "enrolled", "enrolled already", "Java", "completed", false);
    Task soon =
        order(
            shop,
            courses,
            "processing",
            "enrolled after three seconds",
            "Spring",
            "completed",
            false);
    order(shop, courses, "enrolled", "VIP", "Camel", "completed", true);
    order(
        shop,
        courses,
        "enrolled",
        "breaks half way and resumes",
        "Redis-breaks",
        "completed",
        false);
    order(shop, courses, "pending", "never enrolled", "SQL", "failed", false);
    Task twice = order(shop, courses, "enrolled", "pushed twice", "Docker", "completed", false);
    shop.push(twice.id, courses.url(twice.course));
    shop.redis().lpush(Shop.INBOX, "{\"taskId\": \"seven\", \"email\": oops");
    later.schedule(
        () -> {
          try {
            shop.setStatus(soon.id, "enrolled");
            shop.redis().publish("waybill:enrolled", String.valueOf(soon.id));
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        },
        3,
        TimeUnit.SECONDS);
  }

  private Task order(
      Shop shop,
      CourseServer courses,
      String status,
      String story,
      String course,
      String expected,
      boolean vip)
      throws Exception {
    String url = courses.url(course);
    long id = shop.task(status, url);
    Task task = new Task(id, story, course, expected);
    tasks.add(task);
    board.add(task);
    if (vip) {
      shop.pushVip(id, url);
    } else {
      shop.push(id, url);
    }
    return task;
  }

  private int duplicates() {
    return tasks.stream().mapToInt(task -> task.duplicates).sum();
  }

  /**
   * Looks from outside: the shop's table, the remote, the webhooks; not at what the worker says of
   * itself.
   */
  private void judge(Shop shop, CourseServer courses) throws Exception {
    for (Task task : tasks) {
      String status = shop.status(task.id);
      List<Call> calls = shop.webhook().calls(task.id);
      boolean delivered = task.expected.equals("completed");
      expect(
          task,
          status.equals(task.expected),
          "expected status " + task.expected + ", found " + status);
      expect(task, calls.size() == (delivered ? 1 : 0), "found " + calls.size() + " webhooks");
      expect(task, calls.stream().allMatch(Call::signed), "found a webhook with a wrong signature");
      if (!delivered) {
        continue;
      }
      Path folder = shop.drive().content().resolve("deliveries").resolve(task.folder());
      for (Map.Entry<String, Integer> file : courses.files().entrySet()) {
        Path there = folder.resolve(file.getKey());
        byte[] content = CourseServer.content(file.getKey(), file.getValue());
        expect(
            task,
            Files.exists(there) && Arrays.equals(content, Files.readAllBytes(there)),
            "expected " + file.getKey() + " whole at the remote");
      }
      expect(task, !Files.exists(shop.sandbox(task.id)), "expected its sandbox to be removed");
    }
    Task resumed = tasks.get(3);
    expect(resumed, resumed.retries == 1, "expected one more try, found " + resumed.retries);
    expect(resumed, shop.taskLog(resumed.id).contains("going on at byte"), "expected it to resume");
    expect(tasks.get(5), tasks.get(5).duplicates == 1, "expected one duplicate");
    if (shop.redis().llen("waybill:rejected") != 1) {
      faults.add("expected one rejected payload");
    }
  }

  private void expect(Task task, boolean condition, String fault) {
    if (!condition) {
      faults.add("task " + task.id + ": " + fault);
    }
  }

  private void summarize(Shop shop) throws Exception {
    out.println();
    out.printf("%-5s %-30s %-10s %-44s %s%n", "task", "story", "outcome", "stages (ms)", "why");
    for (Task task : tasks) {
      String why = task.why;
      if (task.duplicates > 0) {
        why = "the second push was a duplicate";
      } else if (task.retries > 0) {
        why = "try 2, after: " + task.why;
      }
      String stages = task.millis.isEmpty() ? "-" : task.millis.toString().replaceAll("[{}]", "");
      out.printf(
          "%-5d %-30s %-10s %-44s %s%n", task.id, task.story, shop.status(task.id), stages, why);
    }
    String rejected = shop.redis().lindex("waybill:rejected", 0);
    if (rejected != null) {
      ObjectNode entry = (ObjectNode) new ObjectMapper().readTree(rejected);
      out.printf(
          "%-5s %-30s %-10s %-44s %s%n",
          "-", "poison", "rejected", "-", entry.path("reason").asText());
    }
    out.println("\nAt the remote:");
    Path content = shop.drive().content();
    try (Stream<Path> files = Files.walk(content)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        out.printf("  %9d  %s%n", Files.size(file), content.relativize(file));
      }
    }
    out.println("\nWebhooks received:");
    for (Call call : shop.webhook().calls()) {
      String body = new String(call.body(), StandardCharsets.UTF_8).replace(Shop.SECRET, "***");
      out.printf(
          "  %d %s  signatures %s%n", call.status(), body, call.signed() ? "right" : "WRONG");
    }
    out.println();
    faults.forEach(fault -> out.println("FAULT  " + fault));
  }

  private void invite(Shop shop, CourseServer courses, int port) {
    String url = courses.url("Kafka");
    out.printf(
        "Everything goes on running until you press Ctrl-C.%n%n"
            + "  redis-cli   REDISCLI_AUTH=%s redis-cli -p %d%n"
            + "  database    mysql -h 127.0.0.1 -P %d -u shop -p%s %s%n"
            + "  an order    INSERT INTO download_tasks (email, course_url, status)"
            + " VALUES ('a@example.com', '%s', 'enrolled');%n"
            + "              LPUSH %s '{\"taskId\":<its id>,\"email\":\"a@example.com\",\"courseUrl\":\"%s\"}'%n"
            + "  logs        %s%n"
            + "  the remote  %s%n"
            + "  the page    http://127.0.0.1:%d/%n",
        shop.redisServer().password(),
        shop.redisServer().port(),
        shop.database().port(),
        shop.database().password(),
        shop.schema(),
        url,
        Shop.INBOX,
        url,
        shop.logs(),
        shop.drive().content(),
        port);
  }

  private static String log(Shop shop) {
    try {
      return Files.readString(shop.logs().resolve("worker-out.log"));
    } catch (IOException notYet) {
      return "";
    }
  }

  private static boolean await(BooleanSupplier condition, Duration longest, String what)
      throws InterruptedException, IOException {
    long deadline = System.nanoTime() + longest.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
    return true;
  }

  private static void remove(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
