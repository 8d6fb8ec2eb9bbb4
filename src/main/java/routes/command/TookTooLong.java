package routes.command;

import routes.job.Transient;

/** A program was ended because it ran, or was silent, for longer than it may. */
public class TookTooLong extends Transient {
  public TookTooLong(String reason) {
    super(reason);
  }
}
