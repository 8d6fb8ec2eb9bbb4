package fuzz;

/**
 * Something that must hold whatever comes in.
 *
 * @param name as {@code ./waybill fuzz --only} takes it
 * @param every how many cases of the others go for one of this: those on real files are slow
 */
public record Property(String name, int every, Check check) {
  /** One case: makes its input, and throws if what must hold does not. */
  public interface Check {
    void of(Hostile input) throws Exception;
  }

  public Property(String name, Check check) {
    this(name, 1, check);
  }

  /**
   * @param number of the case: with the seed, it makes its input
   */
  public void check(long seed, long number) throws Exception {
    check.of(new Hostile((seed * 1_000_003 + name.hashCode()) * 1_000_000_007 + number));
  }
}
