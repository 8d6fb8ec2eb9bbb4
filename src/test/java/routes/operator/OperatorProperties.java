package routes.operator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import fuzz.Hostile;
import fuzz.Property;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What must hold of what the HTTP side reads and tells. */
public final class OperatorProperties {
  private OperatorProperties() {}

  public static List<Property> all() {
    return List.of(
        new Property("http-json", OperatorProperties::json),
        new Property("http-task-id", OperatorProperties::taskId),
        new Property("email-masked", OperatorProperties::masked),
        new Property("terminal-text", OperatorProperties::clean));
  }

  /** Another reader finds what was written, and no line ends within it. */
  private static void json(Hostile input) throws Exception {
    Map<String, Object> fields = new LinkedHashMap<>();
    String text = Hostile.written(input.text());
    fields.put("folder", text);
    fields.put("number", input.number());
    fields.put("list", List.of(Hostile.written(input.text()), Hostile.written(input.fileName())));

    byte[] bytes = Json.MAPPER.writeValueAsBytes(fields);

    String json = new String(bytes, StandardCharsets.UTF_8);
    assertFalse(json.chars().anyMatch(c -> c < 0x20), json);
    assertEquals(text, JsonParser.parseString(json).getAsJsonObject().get("folder").getAsString());
    assertEquals(
        new BigInteger(String.valueOf(fields.get("number"))),
        JsonParser.parseString(json).getAsJsonObject().get("number").getAsBigInteger());
  }

  private static void taskId(Hostile input) {
    String text = input.chance(50) ? String.valueOf(input.number()) : input.mutated("4711");
    try {
      long taskId = HttpAnswers.taskId(text);
      assertEquals(text, String.valueOf(taskId));
      assertTrue(taskId > 0);
    } catch (HttpAnswers.Problem e) {
      assertEquals(400, e.status());
      assertFalse(e.getMessage().chars().anyMatch(Character::isISOControl), e.getMessage());
      assertFalse(text.matches("[1-9][0-9]{0,14}"), text);
    }
  }

  /** No more than one character of the name before the last @ is told. */
  private static void masked(Hostile input) {
    String name = input.word(20);
    String domain = input.word(10) + ".example";
    String masked = HttpJobs.masked(name + "@" + domain);
    assertEquals(name.charAt(0) + "…@" + domain, masked);

    String any = input.text();
    String told = HttpJobs.masked(any);
    int at = any.lastIndexOf('@');
    assertTrue(told.codePointCount(0, told.length()) <= 2 + any.length() - Math.max(0, at), any);
  }

  /** What comes from outside moves no cursor and turns no text round. */
  private static void clean(Hostile input) {
    String clean = Reading.clean(input.text());

    assertFalse(
        clean
            .codePoints()
            .anyMatch(c -> Character.isISOControl(c) || Character.getType(c) == Character.FORMAT),
        clean);
  }
}
