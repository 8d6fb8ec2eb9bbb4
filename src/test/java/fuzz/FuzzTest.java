package fuzz;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** A small share of {@code ./waybill fuzz}, always the same, so that a red run is red again. */
class FuzzTest {
  private static final long SEED = 1;
  private static final int CASES = 400;

  @TestFactory
  Stream<DynamicTest> should_hold_whatever_comes_in() {
    return Properties.all().stream()
        .map(property -> DynamicTest.dynamicTest(property.name(), () -> holds(property)));
  }

  private static void holds(Property property) {
    for (int i = 0; i < Math.max(10, CASES / property.every()); i++) {
      try {
        property.check(SEED, i);
      } catch (Exception | AssertionError e) {
        fail(property.name() + ", seed " + SEED + ", case " + i + ": " + e, e);
      }
    }
  }
}
