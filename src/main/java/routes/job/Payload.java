package routes.job;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.List;
import java.util.regex.Pattern;

/** Reads what producers push. Source of the rules: CONTRACT.md, section 2. */
public final class Payload {
  /** Largest taskId: what a JavaScript number holds exactly. */
  public static final long MAX_TASK_ID = (1L << 53) - 1;

  private static final int MAX_EMAIL = 255;
  private static final int MAX_SHOWN = 24;
  private static final int MAX_DEPTH = 32;
  private static final int MAX_TOKENS = 10_000;
  private static final int MAX_DIGITS = 1_000;
  private static final int MAX_NAME = 1_000;
  private static final int MAX_TEXT = 1 << 20;

  /**
   * Neither what separates addresses, nor what cannot be seen or turns the direction of writing,
   * nor half of a character.
   */
  private static final String PART = "[^@,;:<>()\\[\\]\\\\\"\\s\\p{Z}\\p{Cc}\\p{Cf}\\p{Cs}]+";

  /** One address, without display name, comment or list. */
  private static final Pattern EMAIL = Pattern.compile(PART + "@" + PART);

  private final List<String> allowedHosts;

  public Payload(List<String> allowedHosts) {
    this.allowedHosts = allowedHosts;
  }

  /** A JSON reader that refuses what two readers could understand differently. */
  public static ObjectMapper strictMapper() {
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxTokenCount(MAX_TOKENS)
                    .maxNumberLength(MAX_DIGITS)
                    .maxNameLength(MAX_NAME)
                    .maxStringLength(MAX_TEXT)
                    .build())
            .build();
    return JsonMapper.builder(factory)
        .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .build();
  }

  /**
   * @param json what was pushed, read by {@link #strictMapper()}
   * @param text the same, as it came
   * @throws Rejected naming the field, what was expected and what was found
   */
  public Job read(JsonNode json, String text, boolean vip) throws Rejected {
    if (json == null || !json.isObject()) {
      throw Rejected.unreadable("expected a JSON object, found " + kind(json));
    }
    long taskId = taskId(json.get("taskId"));
    JsonNode email = json.get("email");
    if (email == null || !email.isTextual()) {
      throw Rejected.failing(taskId, "email: expected a string, found " + kind(email));
    }
    if (email.textValue().length() > MAX_EMAIL) {
      throw Rejected.failing(
          taskId, "email: expected at most 255 characters, found " + email.textValue().length());
    }
    if (!EMAIL.matcher(email.textValue()).matches()) {
      throw Rejected.failing(taskId, "email: expected one address, found something else");
    }
    JsonNode url = json.get("courseUrl");
    if (url == null || !url.isTextual()) {
      throw Rejected.failing(taskId, "courseUrl: expected a string, found " + kind(url));
    }
    CourseUrl courseUrl;
    try {
      courseUrl = CourseUrl.parse(url.textValue());
    } catch (IllegalArgumentException e) {
      throw Rejected.failing(taskId, e.getMessage());
    }
    if (!courseUrl.isOn(allowedHosts)) {
      throw Rejected.failing(
          taskId, "courseUrl: expected an allowed host, found " + courseUrl.shownHost());
    }
    return new Job(taskId, email.textValue(), courseUrl, text, vip);
  }

  private static long taskId(JsonNode node) throws Rejected {
    if (node == null || !node.isIntegralNumber()) {
      throw Rejected.unreadable("taskId: expected an integer, found " + kind(node));
    }
    if (!node.canConvertToLong() || node.longValue() < 1 || node.longValue() > MAX_TASK_ID) {
      throw Rejected.unreadable(
          "taskId: expected an integer from 1 to " + MAX_TASK_ID + ", found " + cut(node.asText()));
    }
    return node.longValue();
  }

  /** Digits and a sign: nothing that could do harm, but any number of them. */
  private static String cut(String number) {
    return number.length() <= MAX_SHOWN ? number : number.substring(0, MAX_SHOWN) + "…";
  }

  private static String kind(JsonNode node) {
    if (node == null || node.isMissingNode()) {
      return "nothing";
    }
    return switch (node.getNodeType()) {
      case ARRAY -> "an array";
      case OBJECT -> "an object";
      case STRING -> "a string";
      case BOOLEAN -> "a boolean";
      case NULL -> "null";
      case NUMBER -> node.isIntegralNumber() ? "an integer" : "a fraction";
      default -> "something else";
    };
  }
}
