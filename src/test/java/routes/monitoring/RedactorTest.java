package routes.monitoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RedactorTest {
  private static final String SECRET = "p/ss \"wörd\"+7&x";
  private final Redactor redactor =
      new Redactor(Stream.of(SECRET, "abcd", "abcdefgh", null, "xyz"));

  @Test
  void should_take_a_secret_out_however_it_is_written() {
    String inUrl = URLEncoder.encode(SECRET, StandardCharsets.UTF_8);
    for (String form :
        new String[] {
          SECRET,
          inUrl,
          inUrl.replace("+", "%20"),
          inUrl.toLowerCase(java.util.Locale.ROOT),
          "p/ss \\\"wörd\\\"+7&x",
          "p\\/ss \\\"wörd\\\"+7&x",
          "p/ss \\\"w\\u00f6rd\\\"+7&x"
        }) {
      assertEquals("before *** after", redactor.clean("before " + form + " after"));
    }
  }

  @Test
  void should_take_it_out_of_base64_wherever_it_begins() {
    for (String before : new String[] {"", "u", "us", "user:", "user::"}) {
      byte[] text = (before + SECRET + "tail").getBytes(StandardCharsets.UTF_8);
      for (Base64.Encoder encoder :
          new Base64.Encoder[] {Base64.getEncoder(), Base64.getUrlEncoder().withoutPadding()}) {
        String clean = redactor.clean("Basic " + encoder.encodeToString(text));
        assertTrue(clean.contains(Redactor.MASK), clean);
        assertTrue(clean.length() < 30, clean);
      }
    }
  }

  @Test
  void should_leave_no_rest_of_a_secret_that_holds_another() {
    assertEquals("1*** 2***e 3***", redactor.clean("1abcdefgh 2abcde 3abcdabcdefgh"));
    assertEquals("xyz is too short to be one", redactor.clean("xyz is too short to be one"));
    assertEquals("abcXabcefgh", redactor.clean("abcXabcefgh"));
  }

  /** The longest that a file may hold. */
  @Test
  void should_find_a_long_secret_too() {
    StringBuilder secret = new StringBuilder();
    new Random(3).ints(64 * 1024, '!', 0x7f).forEach(c -> secret.append((char) c));
    Redactor longOne = new Redactor(Stream.of(secret.toString()));

    assertEquals("a *** b", longOne.clean("a " + secret + " b"));
  }

  @Test
  void should_know_the_key_of_a_signing_secret_without_its_prefix() {
    Redactor signing = new Redactor(Stream.of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));

    assertFalse(signing.clean("key=MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").contains("MfKQ"));
  }

  @Test
  void should_find_it_across_pieces_wherever_they_are_cut() {
    String text = "first " + SECRET + "abcdabcdefgh, abc and " + SECRET + "abc";
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    String expected = redactor.clean(text);
    assertEquals("first ***, abc and ***abc", expected);
    for (int cut = 0; cut <= bytes.length; cut++) {
      for (int next = cut; next <= bytes.length; next++) {
        assertEquals(expected, inPieces(bytes, cut, next), "cut at " + cut + " and " + next);
      }
    }
  }

  private String inPieces(byte[] bytes, int cut, int next) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Redactor.Flow flow = redactor.flow(out::write);
    flow.write(bytes, 0, cut);
    flow.write(bytes, cut, next - cut);
    flow.write(bytes, next, bytes.length - next);
    flow.end();
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void should_hold_back_nothing_that_cannot_be_a_secret() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Redactor.Flow flow = redactor.flow(out::write);

    flow.write("55.5% ab".getBytes(StandardCharsets.UTF_8), 0, 8);

    assertEquals("55.5% ", out.toString(StandardCharsets.UTF_8));
    flow.end();
    assertEquals("55.5% ab", out.toString(StandardCharsets.UTF_8));
  }

  /** Against the slow and simple way, on texts that nearly are secrets. */
  @Test
  void should_say_the_same_as_looking_at_every_place() {
    Random random = new Random(7);
    String[] secrets = {"aabb", "abab", "bbaabb", "babbab"};
    Redactor both = new Redactor(Stream.of(secrets));
    for (int round = 0; round < 20_000; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(24); i >= 0; i--) {
        text.append((char) ('a' + random.nextInt(3)));
      }
      assertEquals(slowly(text.toString(), secrets), both.clean(text.toString()));
    }
  }

  private static String slowly(String text, String[] secrets) {
    boolean[] covered = new boolean[text.length()];
    for (String secret : secrets) {
      for (int at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1)) {
        java.util.Arrays.fill(covered, at, at + secret.length(), true);
      }
    }
    StringBuilder clean = new StringBuilder();
    for (int i = 0; i < covered.length; i++) {
      if (!covered[i]) {
        clean.append(text.charAt(i));
      } else if (i == 0 || !covered[i - 1]) {
        clean.append(Redactor.MASK);
      }
    }
    return clean.toString();
  }
}
