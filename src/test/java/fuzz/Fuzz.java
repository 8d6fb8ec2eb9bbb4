package fuzz;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** {@code ./waybill fuzz}: many cases of every property, and what was found. */
public final class Fuzz {
  private static final int SHOWN = 3;

  private Fuzz() {}

  /**
   * Exit code 0 if everything held, 1 if not, 2 if the arguments cannot be read.
   *
   * @param arguments {@code --cases N} over all properties, {@code --seed N}, {@code --only NAME},
   *     {@code --case N} for that one alone
   */
  public static void main(String[] arguments) {
    long cases = 1_200_000;
    long seed = 1;
    long single = -1;
    String only = "";
    try {
      for (int i = 0; i < arguments.length; i += 2) {
        switch (arguments[i]) {
          case "--cases" -> cases = Long.parseLong(arguments[i + 1]);
          case "--seed" -> seed = Long.parseLong(arguments[i + 1]);
          case "--case" -> single = Long.parseLong(arguments[i + 1]);
          case "--only" -> only = arguments[i + 1];
          default -> throw new IllegalArgumentException(arguments[i]);
        }
      }
    } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
      System.err.println(
          "waybill fuzz: expected [--cases N] [--seed N] [--only NAME [--case N]], found "
              + String.join(" ", arguments));
      System.exit(2);
    }
    List<Property> chosen = new ArrayList<>(Properties.all());
    String name = only;
    chosen.removeIf(property -> !name.isEmpty() && !property.name().equals(name));
    System.exit(run(chosen, cases, seed, single) ? 0 : 1);
  }

  private static boolean run(List<Property> properties, long cases, long seed, long single) {
    double shares = properties.stream().mapToDouble(one -> 1.0 / one.every()).sum();
    System.out.printf(
        "%-36s %10s %6s %8s%n", "property (seed " + seed + ")", "cases", "finds", "ms");
    long all = 0;
    long finds = 0;
    long began = System.nanoTime();
    for (Property property : properties) {
      long share = single >= 0 ? 1 : Math.max(1, Math.round(cases / shares / property.every()));
      long start = System.nanoTime();
      long found = check(property, seed, Math.max(0, single), share);
      System.out.printf("%-36s %10d %6d %8d%n", property.name(), share, found, millisSince(start));
      all += share;
      finds += found;
    }
    System.out.printf(Locale.ROOT, "%-36s %10d %6d %8d%n", "all", all, finds, millisSince(began));
    return finds == 0 && all > 0;
  }

  /** How many of the cases did not hold; the first few are told. */
  private static long check(Property property, long seed, long first, long cases) {
    long found = 0;
    for (long number = first; number < first + cases; number++) {
      try {
        property.check(seed, number);
      } catch (Exception | AssertionError | StackOverflowError e) {
        found++;
        if (found <= SHOWN) {
          System.out.printf(
              "  ./waybill fuzz --seed %d --only %s --case %d: %s%n",
              seed, property.name(), number, visible(e.toString()));
        }
      }
    }
    return found;
  }

  private static String visible(String text) {
    StringBuilder visible = new StringBuilder();
    for (char c : text.substring(0, Math.min(text.length(), 2000)).toCharArray()) {
      visible.append(c < 0x20 || c > 0x7e ? String.format("\\u%04x", (int) c) : c);
    }
    return visible.toString();
  }

  private static long millisSince(long nanos) {
    return (System.nanoTime() - nanos) / 1_000_000;
  }
}
