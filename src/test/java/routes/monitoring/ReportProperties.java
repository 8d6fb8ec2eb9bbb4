package routes.monitoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import fuzz.Hostile;
import fuzz.Property;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import routes.job.Permanent;

/** What must hold of what is told about a failure. */
public final class ReportProperties {
  private ReportProperties() {}

  public static List<Property> all() {
    return List.of(
        new Property("redactor", ReportProperties::redactor),
        new Property("error-report", 4, ReportProperties::report));
  }

  /** No secret is left, wherever it stood; what holds none is as it was. */
  private static void redactor(Hostile input) {
    String one = "s3cret" + input.word(12);
    String other = input.of(one + input.word(5), one.substring(3), "an0ther" + input.word(9));
    Redactor redactor = new Redactor(Stream.of(one, other, "", "abc", null));
    StringBuilder text = new StringBuilder();
    for (int i = 1 + input.below(4); i > 0; i--) {
      text.append(input.of("", input.text())).append(input.of(one, other, one + other));
    }

    String clean = redactor.clean(text.toString());

    assertFalse(clean.contains(one) || clean.contains(other), clean);
    String harmless = "nothing to hide " + input.below(1000);
    assertEquals(harmless, redactor.clean(harmless));
  }

  /** It fits its column, is whole UTF-8, and begins with stage and reason. */
  private static void report(Hostile input) {
    String secret = "s3cret" + input.word(12);
    ErrorReport reports = new ErrorReport(new Redactor(Stream.of(secret)));
    String message = secret + input.text() + (input.chance(20) ? "ệ😀".repeat(6000) : "") + secret;

    String report = reports.write("download", new Permanent(message), input.below(5));

    byte[] bytes = report.getBytes(StandardCharsets.UTF_8);
    assertTrue(bytes.length <= ErrorReport.MAX_BYTES, bytes.length + " bytes");
    assertTrue(report.startsWith("stage: download\nreason: "), report);
    assertFalse(report.contains(secret), report);
    assertFalse(
        !report.isEmpty() && Character.isHighSurrogate(report.charAt(report.length() - 1)), "cut");
  }
}
