package routes.command;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;

class EnvironmentTest {
  @Test
  void should_let_rclone_know_its_network_and_none_of_its_own_variables() {
    Map<String, String> own =
        Map.of(
            "PATH", "/usr/bin",
            "https_proxy", "http://proxy:3128",
            "RCLONE_DRIVE_ROOT_FOLDER_ID", "elsewhere",
            "TCELL_MINIMIZE", "0",
            "DB_PASSWORD", "secret");

    assertEquals(
        Map.of("PATH", "/usr/bin", "https_proxy", "http://proxy:3128", "TCELL_MINIMIZE", "1"),
        Environment.forRclone(own));
  }
}
