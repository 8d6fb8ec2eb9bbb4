package supply;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import servers.WorkerJar;

/** What the jar is made of is known, pinned, and may be given on. */
class SupplyTest {
  /**
   * May be given on with software under the Apache License 2.0; the first of a component counts.
   */
  private static final Set<String> TAKEN =
      Set.of(
          "Apache-2.0",
          "MIT",
          "BSD-3-Clause",
          "CC0-1.0",
          "EPL-2.0",
          "Public Domain",
          "The GNU General Public License, v2 with Universal FOSS Exception, v1.0");

  private static final Set<String> IN_PARTS = Set.of("dependency", "plugin", "extension", "parent");

  @Test
  void should_name_every_library_of_the_jar_with_its_licence() throws Exception {
    assertEquals(
        Notices.text(),
        Files.readString(Notices.FILE),
        "libraries have changed: ./waybill notices writes the file anew");
  }

  @Test
  void should_take_only_libraries_that_may_be_given_on() throws Exception {
    List<String> others = new ArrayList<>();
    for (JsonNode component : Notices.bom().path("components")) {
      List<String> licences = Notices.licences(component);
      if (licences.isEmpty() || !TAKEN.contains(licences.get(0))) {
        others.add(component.path("name").asText() + " " + licences);
      }
    }
    assertEquals(List.of(), others);
  }

  /** A version that is not written down is another one tomorrow. */
  @Test
  void should_pin_every_version() throws Exception {
    List<String> loose = new ArrayList<>();
    int seen = 0;
    for (Path file : List.of(Path.of("pom.xml"), Path.of("hawtio/pom.xml"))) {
      Element pom =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(file.toFile())
              .getDocumentElement();
      Properties properties = properties(pom);
      Set<String> managed = new TreeSet<>();
      NodeList all = pom.getElementsByTagName("*");
      for (int i = 0; i < all.getLength(); i++) {
        Element part = (Element) all.item(i);
        if (!IN_PARTS.contains(part.getTagName()) || child(part, "artifactId").isEmpty()) {
          continue;
        }
        seen++;
        String id = child(part, "groupId") + ":" + child(part, "artifactId");
        String version = child(part, "version");
        if (version.startsWith("${")) {
          version = properties.getProperty(version.substring(2, version.length() - 1), "");
        }
        if (version.isEmpty() && managed.contains(id)) {
          continue;
        }
        managed.add(id);
        if (!version.matches("\\d[\\w.-]*") || version.contains("SNAPSHOT")) {
          loose.add(file + ": " + id + " " + version);
        }
      }
    }
    assertEquals(List.of(), loose);
    assertTrue(seen > 40, seen + " parts");
  }

  private static Properties properties(Element pom) {
    Properties properties = new Properties();
    NodeList all = ((Element) pom.getElementsByTagName("properties").item(0)).getChildNodes();
    for (int i = 0; i < all.getLength(); i++) {
      if (all.item(i) instanceof Element property) {
        properties.setProperty(property.getTagName(), property.getTextContent().strip());
      }
    }
    return properties;
  }

  private static String child(Element element, String name) {
    NodeList children = element.getChildNodes();
    for (int i = 0; i < children.getLength(); i++) {
      if (children.item(i) instanceof Element child && child.getTagName().equals(name)) {
        return child.getTextContent().strip();
      }
    }
    return "";
  }

  @Test
  void should_take_no_image_by_a_name_that_moves() throws Exception {
    Set<String> images = new TreeSet<>();
    for (String file : List.of("Dockerfile", "compose.yaml")) {
      Files.readAllLines(Path.of(file)).stream()
          .map(String::strip)
          .filter(line -> line.matches("(FROM|image:) .*"))
          .map(line -> line.split("\\s+")[1])
          .filter(image -> !image.startsWith("${WAYBILL_IMAGE"))
          .forEach(images::add);
    }
    assertFalse(images.isEmpty());
    images.removeIf(image -> image.matches(".+:v?\\d[\\w.-]*"));
    assertEquals(Set.of(), images);
  }

  /** The jar tells whom it owes what, and every class in it is of a library that is listed. */
  @Test
  void should_carry_its_notices() throws Exception {
    try (JarFile jar = new JarFile(WorkerJar.path().toFile())) {
      List<String> names = jar.stream().map(JarEntry::getName).toList();
      assertTrue(names.containsAll(List.of("META-INF/waybill/LICENSE", "META-INF/waybill/NOTICE")));
      assertEquals(
          Files.readString(Notices.FILE),
          new String(
              jar.getInputStream(jar.getEntry("META-INF/waybill/THIRD-PARTY-NOTICES"))
                  .readAllBytes()));
      Set<String> listed = new TreeSet<>();
      Notices.bom().path("components").forEach(one -> listed.add(one.path("name").asText()));
      // The second is within Netty.
      listed.addAll(List.of("waybill", "jctools-core"));
      List<String> strangers = new ArrayList<>();
      for (String name : names) {
        if (name.matches("META-INF/maven/[^/]+/[^/]+/pom.xml")
            && !listed.contains(name.split("/")[3])) {
          strangers.add(name);
        }
      }
      assertEquals(List.of(), strangers);
    }
  }

  /** No name of a private registry gets into what is published. */
  @Test
  void should_say_nothing_of_where_it_was_built() throws Exception {
    String bom = Files.readString(Notices.BOM);

    assertFalse(Notices.bom().path("metadata").has("timestamp"));
    for (String secret :
        List.of(
            Path.of("").toAbsolutePath().toString(),
            System.getProperty("user.home"),
            java.net.InetAddress.getLocalHost().getHostName())) {
      assertFalse(bom.contains("\"" + secret) || bom.contains("file:"), secret);
    }
    try (Stream<String> lines = bom.lines()) {
      assertTrue(lines.noneMatch(line -> line.contains("localhost") || line.contains("127.0.0.1")));
    }
  }
}
