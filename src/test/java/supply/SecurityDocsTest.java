package supply;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A claim about safety names the test that shows it, and that test exists. */
class SecurityDocsTest {
  private static final Pattern TEST = Pattern.compile("\\b([A-Z]\\w+Test)(?:#(\\w+))?");

  @Test
  void should_name_only_tests_that_exist() throws Exception {
    Map<String, String> tests = new HashMap<>();
    try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        tests.put(file.getFileName().toString().replace(".java", ""), Files.readString(file));
      }
    }
    List<String> missing = new ArrayList<>();
    for (String page : List.of("SECURITY.md", "docs/security.md", "docs/advisories.md")) {
      Matcher named = TEST.matcher(Files.readString(Path.of(page)));
      int found = 0;
      while (named.find()) {
        found++;
        String text = tests.get(named.group(1));
        if (text == null
            || (named.group(2) != null && !text.contains(" " + named.group(2) + "("))) {
          missing.add(page + ": " + named.group());
        }
      }
      assertTrue(found > 5, page + " names " + found + " tests");
    }
    assertEquals(List.of(), missing);
  }
}
