package routes.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where a program is. */
public final class Programs {
  private Programs() {}

  /**
   * @param program a path, or a name that is looked for
   * @param path directories, as the variable PATH has them
   * @throws IOException if there is none that can be run
   */
  public static Path find(String program, String path) throws IOException {
    if (program.contains("/")) {
      Path named = Path.of(program).toAbsolutePath();
      if (isProgram(named)) {
        return named;
      }
    } else {
      for (String directory : path.split(":")) {
        Path candidate = Path.of(directory.isEmpty() ? "." : directory, program);
        if (isProgram(candidate)) {
          return candidate;
        }
      }
    }
    throw new IOException(program + ": expected a program that can be run, found none");
  }

  private static boolean isProgram(Path path) {
    return Files.isExecutable(path) && !Files.isDirectory(path);
  }
}
