package routes.job;

/** A job's files are more than one sandbox may hold. */
public class SandboxOutgrown extends Permanent {
  private SandboxOutgrown(String reason) {
    super(reason);
  }

  static SandboxOutgrown bySize(long most) {
    return new SandboxOutgrown(
        "waybill.sandbox.max-size: expected at most " + most + " bytes, found more");
  }

  static SandboxOutgrown byNumber(int most) {
    return new SandboxOutgrown(
        "waybill.download.max-files: expected at most " + most + " files, found more");
  }
}
