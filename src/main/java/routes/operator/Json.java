package routes.operator;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.time.Instant;
import routes.monitoring.JsonEscapes;

/** JSON as operators get it, on the command line and over HTTP: times as ISO 8601. */
final class Json {
  static final ObjectMapper MAPPER =
      JsonEscapes.in(new ObjectMapper())
          .registerModule(
              new SimpleModule().addSerializer(Instant.class, ToStringSerializer.instance));

  private Json() {}
}
