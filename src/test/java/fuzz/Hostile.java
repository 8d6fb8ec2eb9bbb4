package fuzz;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Makes input as somebody would who means harm: edges first, what is ordinary now and then. One
 * seed always makes the same input, so a case that failed can be had again.
 */
public final class Hostile {
  private static final String[] PIECES = {
    "",
    " ",
    "\0",
    "\n",
    "\r\n",
    "\t",
    "\u001b[2J",
    "\u007f",
    "\u0085",
    "\u00a0",
    "\u00ad",
    "\u200b",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\ufffd",
    "\ud83d",
    "\ude00",
    "😀",
    "é",
    "e\u0301",
    "ệ",
    "а",
    "ﬁ",
    "K",
    "İ",
    "-",
    "--",
    "--config=",
    "-rf",
    ":",
    "/",
    "//",
    "\\",
    "..",
    "../",
    "/../",
    "%",
    "%2e%2e%2f",
    "%00",
    "%0a",
    "%zz",
    "%u0041",
    "+",
    "$(id)",
    "`id`",
    "${x}",
    "{{x}}",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    ";",
    "|",
    "&",
    "<",
    ">",
    "<script>",
    "' OR 1=1 --",
    "@",
    "#",
    "?",
    "=",
    ",",
    ".",
    "*",
    "~",
    "null",
    "true",
    "NaN",
    "Infinity",
    "0",
    "-0",
    "1e400",
    "007",
    "9007199254740991",
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "-1",
    "1.5",
    "CamelExecCommandExecutable",
    "bean:",
    "\u2028"
  };
  private static final long[] EDGES = {
    0,
    1,
    -1,
    99,
    100,
    101,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    (1L << 53) - 1,
    1L << 53,
    (1L << 53) + 1,
    Long.MAX_VALUE,
    Long.MAX_VALUE / 100,
    Long.MAX_VALUE / 100 + 1,
    Long.MIN_VALUE
  };
  private static final String PLAIN =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

  private final SplittableRandom random;

  public Hostile(long seed) {
    this.random = new SplittableRandom(seed);
  }

  /** From 0 to one less than {@code bound}. */
  public int below(int bound) {
    return random.nextInt(bound);
  }

  public boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  @SafeVarargs
  public final <T> T of(T... choices) {
    return choices[random.nextInt(choices.length)];
  }

  public <T> T of(List<T> choices) {
    return choices.get(random.nextInt(choices.size()));
  }

  public long number() {
    return chance(60) ? EDGES[random.nextInt(EDGES.length)] : random.nextLong() >> below(64);
  }

  /** Letters and digits, one at least. */
  public String word(int longest) {
    StringBuilder word = new StringBuilder();
    for (int i = below(longest); i >= 0; i--) {
      word.append(PLAIN.charAt(random.nextInt(PLAIN.length())));
    }
    return word.toString();
  }

  /** A few pieces of whatever has broken a parser before; seldom a very long one. */
  public String text() {
    if (chance(1)) {
      return of(PIECES).repeat(1 + below(5000));
    }
    StringBuilder text = new StringBuilder();
    for (int i = below(8); i > 0; i--) {
      switch (below(4)) {
        case 0 -> text.append(word(6));
        case 1 -> text.append((char) random.nextInt(0x10000));
        default -> text.append(of(PIECES));
      }
    }
    return text.toString();
  }

  /** Text as it comes out of UTF-8: half a character becomes another. */
  public static String written(String text) {
    return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
  }

  public byte[] bytes(int longest) {
    byte[] bytes = new byte[below(longest + 1)];
    random.nextBytes(bytes);
    return bytes;
  }

  /** The same with up to three small wounds. */
  public String mutated(String text) {
    StringBuilder wounded = new StringBuilder(text);
    for (int i = below(4); i > 0; i--) {
      int at = below(wounded.length() + 1);
      int to = Math.min(wounded.length(), at + below(6));
      switch (below(5)) {
        case 0 -> wounded.delete(at, to);
        case 1 -> wounded.insert(at, wounded.substring(at, to));
        case 2 -> wounded.setLength(at);
        case 3 -> wounded.replace(at, to, of(PIECES));
        default -> wounded.insert(at, of(PIECES));
      }
    }
    return wounded.toString();
  }

  /** JSON, well-formed but for what is in its strings and numbers; nested up to {@code depth}. */
  public String json(int depth) {
    return switch (depth <= 0 ? below(4) : below(6)) {
      case 0 -> quoted(text());
      case 1 -> String.valueOf(number());
      case 2 -> of("null", "true", "false", "1e400", "-0.0", "1E-999", "0.1e1", "[]", "{}");
      case 3 -> "9".repeat(1 + below(chance(3) ? 1500 : 40));
      case 4 -> "[" + String.join(",", several(depth)) + "]";
      default -> {
        List<String> members = new ArrayList<>();
        for (String value : several(depth)) {
          members.add(quoted(chance(50) ? word(5) : text()) + ":" + value);
        }
        yield "{" + String.join(",", members) + "}";
      }
    };
  }

  private List<String> several(int depth) {
    List<String> values = new ArrayList<>();
    for (int i = below(4); i > 0; i--) {
      values.add(json(depth - 1));
    }
    return values;
  }

  /** A JSON string; each character as it is or escaped, as producers may well do. */
  public String quoted(String text) {
    StringBuilder json = new StringBuilder("\"");
    boolean escapeAll = chance(10);
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < 0x20 || Character.isSurrogate(c) || escapeAll || chance(2)) {
        json.append(String.format("\\u%04x", (int) c));
      } else {
        json.append(c);
      }
    }
    return json.append('"').toString();
  }

  /** A file name that Linux takes, at most 255 bytes, as hostile as it gets. */
  public String fileName() {
    String name = written(text().replace("/", "").replace("\0", ""));
    while (name.getBytes(StandardCharsets.UTF_8).length > 255) {
      name =
          name.substring(0, name.offsetByCodePoints(0, name.codePointCount(0, name.length()) / 2));
    }
    return name.isEmpty() || name.equals(".") || name.equals("..") ? word(20) : name;
  }
}
