package bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What the disk takes for one small write that is to be there after a crash, asked beside a
 * scenario: no commit of the database can be quicker, and where the disk stalls everything waits.
 */
final class DiskProbe implements AutoCloseable {
  private static final int BLOCK = 4096;
  private static final long PAUSE_MS = 50;

  private final Path file;
  private final List<Double> milliseconds = new ArrayList<>();
  private final Thread thread = new Thread(this::ask, "disk-probe");
  private IOException failure;

  /**
   * @param directory on the disk that is asked about
   */
  DiskProbe(Path directory) {
    file = directory.resolve("disk-probe");
    thread.setDaemon(true);
    thread.start();
  }

  private void ask() {
    ByteBuffer block = ByteBuffer.allocate(BLOCK);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      while (true) {
        long start = System.nanoTime();
        channel.write(block.clear(), 0);
        channel.force(false);
        milliseconds.add((System.nanoTime() - start) / 1e6);
        TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
      }
    } catch (IOException e) {
      failure = e;
    } catch (InterruptedException over) {
      // what was asked is what there is
    }
  }

  /** Ends it, and gives what each write took, in milliseconds. */
  Figures stop() throws IOException, InterruptedException {
    close();
    thread.join();
    if (failure != null) {
      throw failure;
    }
    return Figures.of(milliseconds);
  }

  @Override
  public void close() throws IOException {
    thread.interrupt();
    Files.deleteIfExists(file);
  }
}
