package routes.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import fuzz.Hostile;
import fuzz.Property;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What must hold of payloads and addresses, whatever producers push. */
public final class JobProperties {
  private static final List<String> ALLOWED =
      List.of("shop.example", ".courses.example", "other.example:8443");
  private static final Payload PAYLOAD = new Payload(ALLOWED);
  private static final ObjectMapper STRICT = Payload.strictMapper();

  /** A second, simpler reader of the part of an address that names the host. */
  private static final Pattern AUTHORITY =
      Pattern.compile("(?i)(https?)://([a-z0-9.-]+|\\[[^]/?#@]*])(?::(\\d*))?(?:[/?#].*)?");

  private JobProperties() {}

  public static List<Property> all() {
    List<Property> all =
        new ArrayList<>(
            List.of(
                new Property("payload-well-formed", JobProperties::wellFormed),
                new Property("payload-hostile", JobProperties::hostile),
                new Property("course-url-hostile", JobProperties::url),
                new Property("course-url-same-course", JobProperties::sameCourse)));
    all.addAll(FolderProperties.all());
    return all;
  }

  /** What a producer may push comes out as it went in, however it is written. */
  private static void wellFormed(Hostile input) throws Exception {
    long taskId = 1 + Math.floorMod(input.number(), Payload.MAX_TASK_ID);
    String email = input.word(20) + "@" + input.word(20) + input.of("", ".example", "ví-dụ.vn");
    String url =
        input.of("https://shop.example", "HTTP://Shop.Example", "https://a.courses.example:443")
            + input.of("", "/", "/c/" + input.word(30), "/%2e/x?a=b&c=..#e", "?q=" + input.word(9));
    List<String> members =
        new ArrayList<>(
            List.of(
                "\"taskId\":" + taskId,
                "\"email\" : " + input.quoted(email),
                "\"courseUrl\":" + input.quoted(url)));
    for (int i = input.below(3); i > 0; i--) {
      members.add(
          input.below(members.size() + 1) == 0 ? 0 : members.size(),
          input.quoted("x" + i + cut(Hostile.written(input.text())))
              + ":"
              + input.of("1", "null", "[[],{}]", input.quoted(Hostile.written(input.text()))));
    }
    String json = "{" + String.join(input.of(",", " ,\n"), members) + "}";

    if (json.length() > 16 * 1024) {
      return; // refused before it is read
    }

    Job job = PAYLOAD.read(STRICT.readTree(json), json, false);

    assertEquals(taskId, job.taskId());
    assertEquals(email, job.email());
    assertEquals(url, job.courseUrl().toString());
    assertEquals(json, job.payload());
  }

  /** Longer names are refused before they are read; an escape may make six characters of one. */
  private static String cut(String text) {
    return text.substring(0, Math.min(text.length(), 150));
  }

  /** Anything else is refused with a reason that names the field and shows nothing unprintable. */
  private static void hostile(Hostile input) throws Exception {
    String json =
        switch (input.below(4)) {
          case 0 -> input.json(4);
          case 1 -> input.text();
          default -> input.mutated(payload(input));
        };
    Job job;
    try {
      JsonNode tree = STRICT.readTree(json);
      job = PAYLOAD.read(tree, json, true);
    } catch (JsonProcessingException malformed) {
      return;
    } catch (Rejected e) {
      assertTrue(
          e.getMessage().matches("(expected a JSON object|(taskId|email|courseUrl): expected) ?.*"),
          e.getMessage());
      assertTrue(e.getMessage().matches("[ -~…]{1,400}"), e.getMessage());
      return;
    }
    // Another reader has to understand the same by what was taken.
    JsonObject other = JsonParser.parseString(json).getAsJsonObject();
    assertEquals(
        BigInteger.valueOf(job.taskId()),
        other.get("taskId").getAsBigDecimal().toBigIntegerExact());
    assertTrue(job.taskId() >= 1 && job.taskId() <= Payload.MAX_TASK_ID);
    assertEquals(job.email(), other.get("email").getAsString());
    assertEquals(job.courseUrl().toString(), other.get("courseUrl").getAsString());
    assertEquals(1, job.email().chars().filter(c -> c == '@').count());
    assertTrue(job.email().length() <= 255);
    assertFalse(job.email().chars().anyMatch(c -> c < 0x21 || c == 0x7f), job.email());
    assertTrue(allows(job.courseUrl().toString()), job.courseUrl().toString());
  }

  private static String payload(Hostile input) {
    return "{\"taskId\":"
        + input.of("1", String.valueOf(input.number()), input.json(1))
        + ",\"email\":"
        + input.of("\"a@b.example\"", input.quoted(input.text() + "@" + input.text()))
        + ",\"courseUrl\":"
        + input.of("\"https://shop.example/c\"", input.quoted(address(input)))
        + input.of("", ",\"taskId\":2", ",\"CamelHttpUri\":\"http://evil.example\"")
        + "}";
  }

  private static String address(Hostile input) {
    String host =
        input.of(
            "shop.example",
            "SHOP.example.",
            "a.courses.example",
            "courses.example",
            "evilcourses.example",
            "other.example",
            "evil.example",
            "127.0.0.1",
            "[::1]",
            "2130706433",
            "0x7f.1",
            "shop.example%2eevil.example",
            "shop.example\\@evil.example",
            "xn--shp-5qa.example",
            "shор.example",
            input.text());
    return input.of("https", "http", "HTTPS", "file", "ftp", "javascript", input.text())
        + input.of("://", ":///", ":", "://user@", "://shop.example@", "://shop.example#@")
        + host
        + input.of("", ":", ":80", ":8443", ":65536", ":-1", ":" + input.text())
        + input.of("", "/", "/c/x/", "/../..", "?x", "#x", input.text());
  }

  /** By its own reading of the address, not by {@link java.net.URI}'s. */
  private static boolean allows(String text) {
    Matcher parts = AUTHORITY.matcher(text);
    if (!parts.matches()) {
      return false;
    }
    String host = parts.group(2).toLowerCase(Locale.ROOT);
    String port =
        parts.group(3) == null || parts.group(3).isEmpty()
            ? parts.group(1).equalsIgnoreCase("https") ? "443" : "80"
            : new BigInteger(parts.group(3)).toString();
    return host.equals("shop.example")
        || host.endsWith(".courses.example")
        || (host.equals("other.example") && port.equals("8443"));
  }

  /** An address is taken only where a second reader finds the same allowed host in it. */
  private static void url(Hostile input) {
    String text = input.chance(50) ? address(input) : input.mutated(address(input));
    CourseUrl url;
    try {
      url = CourseUrl.parse(text);
    } catch (IllegalArgumentException e) {
      assertTrue(e.getMessage().matches("courseUrl: expected [ -~]+, found [ -~]+"), text);
      assertTrue(e.getMessage().length() < 400, e.getMessage());
      return;
    }
    assertEquals(text, url.toString());
    assertTrue(text.matches("(?i)https?://[!-~]+") && text.length() <= CourseUrl.MAX_LENGTH, text);
    assertFalse(text.contains("\\") || text.contains("\"") || text.contains("<"), text);
    if (url.isOn(ALLOWED)) {
      assertTrue(allows(text), text);
    }
  }

  /** Scheme and host in any case and one closing slash make no difference, all else does. */
  private static void sameCourse(Hostile input) {
    String scheme = input.of("https", "http");
    String host = "a" + input.word(8) + ".example";
    String rest = input.of("", "/", "?", "#") + input.word(6) + input.of("", "/", "?q=", "/");
    if (!rest.matches("[/?#].*")) {
      rest = "/" + rest;
    }
    String one = scheme + "://" + host + rest;
    String other =
        input.of(scheme, scheme.toUpperCase(Locale.ROOT))
            + "://"
            + input.of(host, host.toUpperCase(Locale.ROOT))
            + input.of(rest, rest + input.word(1), rest.toLowerCase(Locale.ROOT), rest + "/");

    String restOfOther = other.substring(one.length() - rest.length());
    boolean same = withoutSlash(rest).equals(withoutSlash(restOfOther));

    assertEquals(
        same, CourseUrl.normalize(one).equals(CourseUrl.normalize(other)), one + " " + other);
    assertEquals(same, CourseUrl.parse(one).key().equals(CourseUrl.parse(other).key()));
  }

  private static String withoutSlash(String text) {
    return text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
  }
}
