package routes.settings;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The downloader's argument template. It is split into arguments once, before anything from outside
 * is put in, so a value can never become two arguments.
 */
public final class ArgumentTemplate {
  static final Set<String> PLACEHOLDERS =
      new TreeSet<>(Set.of("{courseUrl}", "{sandbox}", "{taskId}"));
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{[A-Za-z]+}");

  private ArgumentTemplate() {}

  /** Splits at spaces outside quotes; empty if a quote stays open. */
  static Optional<List<String>> split(String template) {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    char quote = 0;
    boolean started = false;
    for (char c : template.toCharArray()) {
      if (quote != 0) {
        if (c == quote) {
          quote = 0;
        } else {
          word.append(c);
        }
      } else if (c == '"' || c == '\'') {
        quote = c;
        started = true;
      } else if (Character.isWhitespace(c)) {
        if (started) {
          words.add(word.toString());
        }
        word.setLength(0);
        started = false;
      } else {
        word.append(c);
        started = true;
      }
    }
    if (started) {
      words.add(word.toString());
    }
    return quote == 0 ? Optional.of(words) : Optional.empty();
  }

  static Set<String> unknownPlaceholders(List<String> words) {
    Set<String> unknown = new TreeSet<>();
    for (String word : words) {
      Matcher matcher = PLACEHOLDER.matcher(word);
      while (matcher.find()) {
        if (!PLACEHOLDERS.contains(matcher.group())) {
          unknown.add(matcher.group());
        }
      }
    }
    return unknown;
  }

  /**
   * @param words a template that was split
   * @param values text for each placeholder, by its name without braces
   * @return one argument per word; what is put in is not looked at again
   */
  public static List<String> fill(List<String> words, Map<String, String> values) {
    return words.stream()
        .map(
            word ->
                PLACEHOLDER
                    .matcher(word)
                    .replaceAll(
                        found -> {
                          String name = found.group().substring(1, found.group().length() - 1);
                          return Matcher.quoteReplacement(values.getOrDefault(name, found.group()));
                        }))
        .toList();
  }
}
