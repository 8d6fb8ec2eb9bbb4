package routes.command;

/** What rclone's exit codes mean. Source: rclone's documentation, "List of exit codes". */
final class Rclone {
  static final int DIRECTORY_NOT_FOUND = 3;
  static final int NO_FILES_TRANSFERRED = 9;

  private Rclone() {}

  /**
   * Whether another try would end the same way. Not 1 and 6: releases up to 1.65 give 1 for
   * whatever they have no code for, and 6 only says that rclone's own retry at once is of no use.
   */
  static boolean isPermanent(int exitCode) {
    return exitCode == 7;
  }

  static String meaning(int exitCode) {
    return switch (exitCode) {
      case 1 -> "usage: look at the remote's name and config";
      case 2 -> "error";
      case 3 -> "directory not found";
      case 4 -> "file not found";
      case 5 -> "temporary error";
      case 6 -> "less serious errors";
      case 7 -> "fatal error";
      case 8 -> "transfer limit reached";
      case 10 -> "time limit reached";
      default -> exitCode > 128 ? "ended by signal " + (exitCode - 128) : "unknown";
    };
  }
}
