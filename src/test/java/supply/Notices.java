package supply;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What is in the jar that others wrote, and how they let it be used: from the build's own list. */
final class Notices {
  static final Path BOM = Path.of("target/waybill-sbom.json");
  static final Path FILE = Path.of("THIRD-PARTY-NOTICES");

  private static final String HEAD =
      """
      Waybill's jar holds the libraries below, unchanged but for their place. Waybill itself is under the Apache License 2.0
      (LICENSE). Where a library comes under more than one licence, Waybill takes the first.

      MySQL Connector/J is under the GNU General Public License 2.0 with the Universal FOSS Exception 1.0: the exception
      lets it be given on together with software under the Apache License 2.0, as long as its own source stays available
      under its own terms. Whoever gives this jar on under other terms, or not as free software, asks Oracle for a licence,
      or leaves it out and brings a driver of their own.

      Netty and OpenTelemetry carry JCTools within them, under the Apache License 2.0.

      """;

  private Notices() {}

  static JsonNode bom() throws IOException {
    return new ObjectMapper().readTree(BOM.toFile());
  }

  static List<String> licences(JsonNode component) {
    List<String> licences = new ArrayList<>();
    for (JsonNode choice : component.path("licenses")) {
      JsonNode licence = choice.path("license");
      licences.add(
          licence.has("id")
              ? licence.path("id").asText()
              : licence.path("name").asText(choice.path("expression").asText()));
    }
    return licences;
  }

  /** The whole file, as it should be. */
  static String text() throws IOException {
    Map<String, String> lines = new TreeMap<>();
    for (JsonNode component : bom().path("components")) {
      String name = component.path("group").asText() + ":" + component.path("name").asText();
      lines.put(
          name,
          name
              + " "
              + component.path("version").asText()
              + "\n    "
              + String.join(" or ", licences(component))
              + "\n");
    }
    return HEAD + String.join("", lines.values());
  }

  /** Writes it anew, after libraries have changed. */
  public static void main(String[] arguments) throws IOException {
    Files.writeString(FILE, text());
  }
}
