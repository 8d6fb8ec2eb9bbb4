package routes.command;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RcloneProgressTest {
  private final List<String> told = new ArrayList<>();
  private final RcloneProgress progress =
      new RcloneProgress((percent, file) -> told.add(percent + " " + file));

  private void stats(String bytes, String total) {
    progress.line(
        "{\"stats\":{\"bytes\":"
            + bytes
            + ",\"totalBytes\":"
            + total
            + ",\"transferring\":[{\"name\":\"a.mp4\"}]}}");
  }

  @Test
  void should_tell_a_change_once() {
    stats("1", "3");
    stats("1", "3");
    stats("3", "3");

    assertEquals(List.of("33 a.mp4", "100 a.mp4"), told);
  }

  @Test
  void should_tell_no_percentage_beyond_its_bounds() {
    stats("-5", "10");
    stats("92233720368547759", "92233720368547758");
    stats("92233720368547759", "669143144039436894");
    stats("1e400", "1e-400");

    assertEquals(List.of("0 a.mp4", "100 a.mp4"), told);
  }
}
