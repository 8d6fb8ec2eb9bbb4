package routes.job;

/** A job's files are more than one sandbox may hold. */
public class SandboxOutgrown extends Permanent {
  public SandboxOutgrown(long found, long most) {
    super("waybill.sandbox.max-size: expected at most " + most + " bytes, found " + found);
  }
}
