package bench;

import java.util.Arrays;
import java.util.Collection;

/** A few numbers of one kind, in one order. */
record Figures(double[] sorted) {
  static Figures of(Collection<? extends Number> values) {
    double[] sorted = values.stream().mapToDouble(Number::doubleValue).sorted().toArray();
    return new Figures(sorted);
  }

  static Figures of(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return new Figures(sorted);
  }

  /**
   * @param share 0 to 1
   */
  double at(double share) {
    return sorted.length == 0
        ? Double.NaN
        : sorted[(int) Math.max(0, Math.ceil(sorted.length * share) - 1)];
  }

  double median() {
    return at(0.5);
  }

  double least() {
    return at(0);
  }

  double most() {
    return at(1);
  }
}
