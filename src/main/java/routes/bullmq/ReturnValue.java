package routes.bullmq;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import java.nio.charset.StandardCharsets;

/** A message's body as the JSON that BullMQ keeps. */
final class ReturnValue {
  private static final ObjectReader STRICT =
      BullJob.JSON.reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private ReturnValue() {}

  /** Text that is JSON stays as it is; any other text is a JSON string. */
  static String of(Object body) throws JsonProcessingException {
    Object value = body instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : body;
    if (value instanceof String text && isJson(text)) {
      return text;
    }
    return BullJob.JSON.writeValueAsString(value);
  }

  private static boolean isJson(String text) {
    try {
      return !STRICT.readTree(text).isMissingNode();
    } catch (JsonProcessingException e) {
      return false;
    }
  }
}
