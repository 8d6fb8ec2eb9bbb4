package routes.settings;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What holds the downloader: docs/cage.md.
 *
 * @param user it runs as; empty for the worker's own
 * @param limits arguments of {@code prlimit}; empty for none
 * @param wrapper what stands before its command line, already split; empty for nothing
 */
public record Cage(Optional<String> user, List<String> limits, List<String> wrapper) {
  private static final String USER = "waybill.download.run-as";
  private static final String LIMITS = "waybill.download.limits";
  private static final String WRAPPER = "waybill.download.wrapper";
  private static final Pattern LIMIT = Pattern.compile("([a-z]+)\\s*=\\s*(\\S+)");

  /** Names of prlimit's options, and whether bytes are counted. */
  private static final Map<String, Boolean> RESOURCES =
      Map.of(
          "as", true,
          "core", true,
          "cpu", false,
          "data", true,
          "fsize", true,
          "memlock", true,
          "nofile", false,
          "nproc", false,
          "stack", true);

  static Cage read(Reader read) {
    return new Cage(user(read), limits(read), wrapper(read));
  }

  /** Whether the downloader runs as the worker does. */
  public boolean isOpen() {
    return user.isEmpty() && limits.isEmpty() && wrapper.isEmpty();
  }

  /** For people; a wrapper's arguments may be anything. */
  @Override
  public String toString() {
    return "user "
        + user.orElse("as the worker")
        + ", limits "
        + limits
        + ", wrapper "
        + wrapper.stream().findFirst().orElse("none");
  }

  private static Optional<String> user(Reader read) {
    String user = read.text(USER);
    if (!user.isBlank() && !user.matches("[A-Za-z_][A-Za-z0-9_.-]*[$]?")) {
      read.fault(USER, "the name of a user");
    }
    return user.isBlank() ? Optional.empty() : Optional.of(user);
  }

  private static List<String> limits(Reader read) {
    List<String> arguments = new ArrayList<>();
    for (String limit : read.list(LIMITS)) {
      Matcher matcher = LIMIT.matcher(limit);
      Optional<Long> value =
          matcher.matches() ? value(matcher.group(1), matcher.group(2)) : Optional.empty();
      if (value.isEmpty()) {
        read.fault(
            LIMITS,
            "name=value, comma-separated, of cpu (seconds), nofile, nproc (numbers), as, core, data,"
                + " fsize, memlock, stack (sizes with their unit, such as 2GiB)");
      } else {
        arguments.add("--" + matcher.group(1) + "=" + value.get());
      }
    }
    return List.copyOf(arguments);
  }

  private static Optional<Long> value(String resource, String text) {
    if (!RESOURCES.containsKey(resource)) {
      return Optional.empty();
    }
    if (RESOURCES.get(resource)) {
      return Units.size(text);
    }
    return text.matches("\\d{1,12}") ? Optional.of(Long.parseLong(text)) : Optional.empty();
  }

  private static List<String> wrapper(Reader read) {
    Optional<List<String>> words = ArgumentTemplate.split(read.text(WRAPPER));
    if (words.isEmpty()) {
      read.fault(WRAPPER, "arguments whose quotes are closed");
      return List.of();
    }
    if (!ArgumentTemplate.unknownPlaceholders(words.get()).isEmpty()
        || words.get().stream().anyMatch(word -> word.contains("{courseUrl}"))) {
      read.fault(WRAPPER, "no placeholders but {sandbox} and {taskId}");
    }
    if (!words.get().isEmpty() && !words.get().get(0).matches("/.*|[^/]+")) {
      read.fault(WRAPPER, "a program's absolute path, or its name, and arguments");
    }
    return words.get();
  }
}
