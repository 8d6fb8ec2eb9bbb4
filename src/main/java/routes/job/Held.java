package routes.job;

/** The job has to wait in the ledger for something that concerns others too. It uses up no try. */
public final class Held extends RuntimeException {
  private final transient String what;

  /**
   * @param what a stage, {@code course} or {@code email}
   */
  public Held(String what) {
    super("Held back: " + what);
    this.what = what;
  }

  public String what() {
    return what;
  }
}
