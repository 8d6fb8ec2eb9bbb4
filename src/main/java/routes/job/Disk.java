package routes.job;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.attribute.BasicFileAttributes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Room for sandboxes: no download begins that would probably not find any. */
public final class Disk {
  private static final Logger LOG = LoggerFactory.getLogger(Disk.class);

  /** How long an answer holds; it is asked before every claim. */
  private static final long FRESH_NANOS = 1_000_000_000L;

  private final Path staging;
  private final long minFree;
  private long askedNanos = System.nanoTime() - 2 * FRESH_NANOS;
  private boolean room = true;

  /**
   * @param minFree bytes
   */
  public Disk(Path staging, long minFree) {
    this.staging = staging;
    this.minFree = minFree;
  }

  /** A staging folder whose disk cannot be asked has room: the download will say what is wrong. */
  public synchronized boolean hasRoom() {
    if (System.nanoTime() - askedNanos < FRESH_NANOS) {
      return room;
    }
    askedNanos = System.nanoTime();
    boolean before = room;
    try {
      long free = Files.getFileStore(Files.createDirectories(staging)).getUsableSpace();
      room = free >= minFree;
      if (before && !room) {
        LOG.warn(
            "No download begins: {} bytes are free in {}, {} are wanted", free, staging, minFree);
      } else if (!before && room) {
        LOG.info("Downloads begin again: {} bytes are free in {}", free, staging);
      }
    } catch (IOException e) {
      room = true;
    }
    return room;
  }

  /**
   * Looks whether a sandbox holds more than it may, and no further than that; what vanishes
   * meanwhile counts for nothing.
   *
   * @param maxBytes of all its files
   * @param maxFiles files and directories
   * @throws SandboxOutgrown if it does
   * @throws Permanent if its directories are too deep in each other
   */
  public static void measure(Path sandbox, long maxBytes, int maxFiles)
      throws IOException, Permanent {
    Tree.walk(
        sandbox,
        new Tree.Visitor() {
          private final Measured measured = new Measured(maxBytes, maxFiles);

          @Override
          public void visit(
              SecureDirectoryStream<Path> in, Path name, Path path, BasicFileAttributes attributes)
              throws SandboxOutgrown {
            measured.add(attributes);
          }

          @Override
          public void changed(IOException failure) {
            // the downloader is at work: what is there now is seen at the next look
          }
        });
  }
}
