package routes.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is done with the addresses that somebody who wants more than a course would send. */
class CourseUrlTest {
  private static final List<String> ALLOWED =
      List.of("shop.example", ".example.com", "xn--khahc-1ua.example", "port.example:8443");

  private Job read(String url) throws Rejected {
    var json = Payload.strictMapper().createObjectNode();
    json.put("taskId", 1).put("email", "a@b").put("courseUrl", url);
    return new Payload(ALLOWED).read(json, json.toString(), false);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://shop.example/-rf/--config=x/'a'$(id);b&&c,d!*@:~+=/%20x",
        "https://shop.example/c?next=%2Fcourse%2Fx&q=a%20b#-c",
        "HTTPS://SHOP.example/C/x",
        "http://shop.example",
        "https://shop.example:8443/c",
        "https://port.example:8443/c",
        "https://a.b.example.com/%E2%80%AE/%25%32%65",
        "https://xn--khahc-1ua.example/c",
        "https://shop.example/a..b/...//./c",
      })
  void should_take_what_is_allowed_byte_for_byte(String url) throws Exception {
    assertEquals(url, read(url).courseUrl().toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '§',
      quoteCharacter = '`',
      value = {
        "--config=/etc/passwd§http or https, found no scheme",
        "-c§http or https",
        "file:///etc/passwd§http or https, found the scheme file",
        "javascript:alert(1)§http or https, found the scheme javascript",
        "ftp://shop.example/x§http or https",
        "//shop.example/x§http or https",
        "https:shop.example/x§a host name",
        "https://shop.example/\"x\"§a URL",
        "https://shop.example/`x`§a URL",
        "https://shop.example/a|b§a URL",
        "https://shop.example\\@evil.example/§a URL",
        "https://shop.example/a b§printable ASCII, found U+0020 at position 23",
        "https://user@shop.example/§no user or password before the host, found one",
        "https://shop.example:443@evil.example/§no user or password before the host, found one",
        "https://shop.example%2eevil.example/§a host name",
        "https://shop_.example/§a host name",
        "https://127.0.0.1/§allowed host, found 127.0.0.1",
        "https://10.1.2.3/§allowed host",
        "https://169.254.169.254/latest/§allowed host",
        "https://0177.0.0.1/§allowed host",
        "https://2130706433/§allowed host, found 2130706433",
        "https://0x7f000001/§allowed host, found 0x7f000001",
        "https://127.1/§a host name",
        "https://[::1]/§allowed host, found [::1]",
        "https://[::ffff:127.0.0.1]/§allowed host",
        "https://[fe80::1%25eth0]/§allowed host",
        "https://localhost/§allowed host",
        "https://shop.example./§allowed host, found shop.example.",
        "https://evilexample.com/§allowed host",
        "https://example.com/§allowed host",
        "https://a.example.com.evil.example/§allowed host",
        "https://shop.example.evil.example/§allowed host",
        "https://port.example/c§allowed host",
        "https://port.example:443/c§allowed host",
        "https://shop.example:0/§a port from 1 to 65535, found 0",
        "https://shop.example:65536/§a port from 1 to 65535, found 65536",
        "https://shop.example:/§a host, or host:port, found shop.example:",
        "https://shop.example:0443/§a host, or host:port, found shop.example:0443",
        "https://shop.example/a/../b§a path without '..', found /a/../b",
        "https://shop.example/..§a path without '..'",
        "https://shop.example/a/%2e%2E/b§a path without '..', found /a/%2e%2E/b",
        "https://shop.example/a/.%2e%2fb§a path without '..'",
        "https://shop.example/a%5c..%5Cb§a path without '..'",
        "https://shop.example/a%00b§no control characters",
        "https://shop.example/a%0d%0Ab§no control characters",
        "https://shop.example/?a=%7f§no control characters",
      })
  void should_refuse_and_say_field_expectation_and_finding(String url, String said) {
    String message = assertThrows(Rejected.class, () -> read(url)).getMessage();

    assertTrue(message.startsWith("courseUrl: expected "), message);
    assertTrue(message.contains(said), message);
  }

  @Test
  void should_refuse_what_cannot_be_seen_or_looks_like_something_else() {
    assertFinding("https://shop.example/a\nb", "U+000A at position 23");
    assertFinding("https://shop.example/a\0b", "U+0000 at position 23");
    assertFinding("https://shop.example/\u202Efdp", "U+202E at position 22");
    assertFinding("https://sh\u043Ep.example/", "U+043E at position 11");
    assertFinding("https://kho\u00E1h\u1ECDc.example/", "U+00E1 at position 12");
    assertFinding("https://shop.example/\uD83C\uDF93", "U+1F393 at position 22");
    assertFinding("\u2010c", "U+2010 at position 1");
    assertFinding("", "0 characters");
    assertFinding("https://shop.example/" + "a".repeat(2028), "2049 characters");
  }

  private void assertFinding(String url, String found) {
    String message = assertThrows(Rejected.class, () -> read(url)).getMessage();
    assertTrue(message.startsWith("courseUrl: expected "), message);
    assertTrue(message.endsWith("found " + found), message);
  }

  @Test
  void should_not_repeat_two_thousand_characters_in_a_message() {
    String url = "https://" + "a.".repeat(900) + "evil.example/";

    assertTrue(assertThrows(Rejected.class, () -> read(url)).getMessage().length() < 200);
  }

  @Test
  void should_allow_addresses_and_localhost_by_exact_entries_only() {
    CourseUrl address = CourseUrl.parse("http://127.0.0.1:8080/x");
    CourseUrl local = CourseUrl.parse("http://a.localhost/x");

    assertTrue(address.isOn(List.of("127.0.0.1")));
    assertTrue(address.isOn(List.of("127.0.0.1:8080")));
    assertTrue(CourseUrl.parse("http://[::1]/x").isOn(List.of("[::1]")));
    assertTrue(CourseUrl.parse("http://localhost/x").isOn(List.of("localhost")));
    assertFalse(address.isOn(List.of(".0.0.1")));
    assertFalse(local.isOn(List.of(".localhost")));
    assertTrue(local.isOn(List.of("a.localhost")));
  }

  @Test
  void should_show_text_from_outside_escaped_and_cut() {
    assertEquals("a\\u000Ab\\u202Ec Khoá 🎓", Shown.text("a\nb\u202Ec Khoá 🎓"));
    assertEquals("x".repeat(120) + "…", Shown.text("x".repeat(121)));
  }
}
