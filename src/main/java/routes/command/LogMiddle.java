package routes.command;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Shortens a log that is full: its first half stays, a line says how many bytes are left out, the
 * last quarter follows. In place, and by moving blocks: whoever appends goes on in the same file,
 * memory does not grow with it, and what is in it at a crash is there.
 */
final class LogMiddle {
  private static final Pattern MARK =
      Pattern.compile("\n--- (\\d{1,19}) bytes are left out here -+\n");

  /** Always as long, so that it can be written over. */
  private static final int MARK_LENGTH = 64;

  private static final int BLOCK = 64 * 1024;

  /** How far the end of a line is looked for. */
  private static final int LONGEST_LINE = 4 * 1024;

  private LogMiddle() {}

  /**
   * @param most bytes that the log may have
   */
  static void leaveOut(Path log, long most) throws IOException {
    try (FileChannel file =
        FileChannel.open(log, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      long mark = most / 2;
      long size = file.size();
      long before = leftOutBefore(file, mark);
      long from = nextLine(file, size - most / 4, size);
      long to = mark + MARK_LENGTH;
      if (from <= to) {
        return;
      }
      // At the first time the mark covers bytes of the programs; later it covers itself.
      long left = before < 0 ? from - mark : before + from - to;
      for (long moved = 0; moved < size - from; ) {
        ByteBuffer block = read(file, from + moved, (int) Math.min(BLOCK, size - from - moved));
        moved += block.remaining();
        writeAll(file, block, to + moved - block.remaining());
      }
      writeAll(file, ByteBuffer.wrap(mark(left)), mark);
      file.truncate(to + size - from);
    }
  }

  private static byte[] mark(long left) {
    StringBuilder line = new StringBuilder("\n--- " + left + " bytes are left out here ");
    line.append("-".repeat(MARK_LENGTH - 1 - line.length())).append('\n');
    return line.toString().getBytes(StandardCharsets.US_ASCII);
  }

  /** -1 if none were. */
  private static long leftOutBefore(FileChannel file, long mark) throws IOException {
    ByteBuffer bytes = read(file, mark, MARK_LENGTH);
    Matcher line = MARK.matcher(StandardCharsets.ISO_8859_1.decode(bytes));
    return line.matches() ? Long.parseLong(line.group(1)) : -1;
  }

  /** Where a line begins, at or soon after a place; the place itself if lines are long. */
  private static long nextLine(FileChannel file, long place, long size) throws IOException {
    ByteBuffer bytes = read(file, place, (int) Math.min(LONGEST_LINE, size - place));
    for (int i = 0; i < bytes.remaining(); i++) {
      if (bytes.get(i) == '\n') {
        return place + i + 1;
      }
    }
    return place;
  }

  private static ByteBuffer read(FileChannel file, long at, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    while (bytes.hasRemaining() && file.read(bytes, at + bytes.position()) >= 0) {
      // goes on
    }
    return bytes.flip();
  }

  private static void writeAll(FileChannel file, ByteBuffer bytes, long at) throws IOException {
    long to = at;
    while (bytes.hasRemaining()) {
      to += file.write(bytes, to);
    }
  }
}
