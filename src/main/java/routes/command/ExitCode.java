package routes.command;

/** How a program ended that ended badly: the cause of the failure that this is for its job. */
public final class ExitCode extends Exception {
  private final int value;

  public ExitCode(int value) {
    super("exit code " + value, null, false, false);
    this.value = value;
  }

  public int value() {
    return value;
  }
}
