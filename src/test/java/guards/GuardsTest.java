package guards;

import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** A guard that has moved is one that {@code ./waybill guards} cannot take away any more. */
class GuardsTest {
  @Test
  void should_find_each_guard_and_its_test() throws Exception {
    assertTrue(Guards.all().size() >= 10);
    for (Guards.Guard guard : Guards.all()) {
      Path root = Path.of("");
      assertNotEquals(Files.readString(guard.file()), guard.without(root), guard.guard());
      String[] test = guard.test().split("#");
      Path file = Path.of("src/test/java", test[0].replace('.', '/') + ".java");
      String text = Files.readString(file);
      assertTrue(test.length == 1 || text.contains(" " + test[1] + "("), guard.test());
    }
  }
}
