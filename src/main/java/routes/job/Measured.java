package routes.job;

import java.nio.file.attribute.BasicFileAttributes;

/**
 * What a sandbox holds, and how much that may be. Files count as they appear, so that one that is
 * all hole counts in full; links count for themselves.
 */
final class Measured {
  private final long maxBytes;
  private final int maxFiles;
  private long bytes;
  private int files;

  /**
   * @param maxBytes of all its files
   * @param maxFiles files and directories
   */
  Measured(long maxBytes, int maxFiles) {
    this.maxBytes = maxBytes;
    this.maxFiles = maxFiles;
  }

  /**
   * @throws SandboxOutgrown if it is too much with this one
   */
  void add(BasicFileAttributes attributes) throws SandboxOutgrown {
    if (++files > maxFiles) {
      throw SandboxOutgrown.byNumber(maxFiles);
    }
    if (!attributes.isDirectory()) {
      // Not a sum that could overflow: a file of 2^63 bytes takes one system call.
      if (attributes.size() > maxBytes - bytes) {
        throw SandboxOutgrown.bySize(maxBytes);
      }
      bytes += attributes.size();
    }
  }
}
