package routes.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PayloadTest {
  private final Payload payload = new Payload(List.of("shop.example", ".courses.example"));

  private Job read(String json) throws Exception {
    return payload.read(Payload.strictMapper().readTree(json), json, false);
  }

  @Test
  void should_read_a_job_and_keep_what_it_does_not_know() throws Exception {
    String json =
        "{\"taskId\":9007199254740991,\"email\":\"nguyễn.văn@ví-dụ.vn\","
            + "\"courseUrl\":\"https://shop.example/c/x/\",\"CamelExecCommandArgs\":[\"-x\"]}";

    Job job = read(json);

    assertEquals(Payload.MAX_TASK_ID, job.taskId());
    assertEquals("nguyễn.văn@ví-dụ.vn", job.email());
    assertEquals("https://shop.example/c/x/", job.courseUrl().toString());
    assertEquals(json, job.payload());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[]|a JSON object",
        "1|a JSON object",
        "null|a JSON object",
        "{}|taskId",
        "{\"taskId\":\"1\"}|taskId: expected an integer, found a string",
        "{\"taskId\":1.5}|taskId: expected an integer, found a fraction",
        "{\"taskId\":0}|from 1 to",
        "{\"taskId\":-1}|from 1 to",
        "{\"taskId\":-0}|found 0",
        "{\"taskId\":42.0}|taskId: expected an integer, found a fraction",
        "{\"taskId\":1e2}|taskId: expected an integer, found a fraction",
        "{\"taskId\":1e400}|taskId: expected an integer, found a fraction",
        "{\"taskId\":-1e-400}|taskId: expected an integer, found a fraction",
        "{\"taskId\":\"42\"}|taskId: expected an integer, found a string",
        "{\"taskId\":\" 42\"}|taskId: expected an integer, found a string",
        "{\"taskId\":true}|taskId: expected an integer, found a boolean",
        "{\"taskId\":[42]}|taskId: expected an integer, found an array",
        "{\"taskId\":9007199254740993}|from 1 to 9007199254740991, found 9007199254740993",
        "{\"taskId\":9223372036854775808}|found 9223372036854775808",
        "{\"taskId\":18446744073709551617}|found 18446744073709551617",
        "{\"TaskId\":1}|taskId: expected an integer, found nothing",
        "{\"taskId\":9007199254740992}|from 1 to",
        "{\"taskId\":99999999999999999999999}|from 1 to",
        "{\"taskId\":null}|taskId: expected an integer, found null",
        "{\"taskId\":1}|email: expected a string, found nothing",
        "{\"taskId\":1,\"email\":7}|email: expected a string, found an integer",
        "{\"taskId\":1,\"email\":\"\"}|one address",
        "{\"taskId\":1,\"email\":\"a\"}|one address",
        "{\"taskId\":1,\"email\":\"a@b@c\"}|one address",
        "{\"taskId\":1,\"email\":\"a@b, c@d\"}|one address",
        "{\"taskId\":1,\"email\":\"A <a@b>\"}|one address",
        "{\"taskId\":1,\"email\":\"a\\n@b\"}|one address",
        "{\"taskId\":1,\"email\":\"a\\u0000@b\"}|one address",
        "{\"taskId\":1,\"email\":\"a\\u0085@b\"}|one address",
        "{\"taskId\":1,\"email\":\"a\\u00a0@b\"}|one address",
        "{\"taskId\":1,\"email\":\"a\\u2028@b\"}|one address",
        "{\"taskId\":1,\"email\":\"a\\u200b@b\"}|one address",
        "{\"taskId\":1,\"email\":\"a\\u202e@b\"}|one address",
        "{\"taskId\":1,\"email\":\"a\\ud800@b\"}|one address",
        "{\"taskId\":1,\"email\":\"a@b\"}|courseUrl: expected a string, found nothing",
        "{\"taskId\":1,\"email\":\"a@b\",\"courseUrl\":[]}|courseUrl: expected a string, found an array",
      })
  void should_name_field_expectation_and_finding(String json, String expected) {
    Rejected rejected = assertThrows(Rejected.class, () -> read(json));

    assertTrue(rejected.getMessage().contains(expected), rejected.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "|1 to 2048",
        "ftp://shop.example/x|http or https",
        "-c|http or https",
        "--config=/etc/passwd|http or https",
        "file:///etc/passwd|http or https",
        "https://|a URL",
        "https:///x|host",
        "https://shop.example/a b|printable ASCII",
        "https://shop.example/é|printable ASCII",
        "https://user:pw@shop.example/x|user or password",
        "https://shop.example@evil.example/x|user or password",
        "https://shop.example/<x>|a URL",
        "https://shop.example/%zz|a URL",
        "https://evil.example/x|allowed host",
        "https://evilcourses.example/x|allowed host",
        "https://courses.example/x|allowed host",
        "https://shop.example.evil.example/x|allowed host",
        "http://127.0.0.1/x|allowed host",
        "http://[::1]/x|allowed host",
      })
  void should_refuse_addresses_that_are_not_a_course(String url, String expected) {
    String json =
        "{\"taskId\":1,\"email\":\"a@b\",\"courseUrl\":\"" + (url == null ? "" : url) + "\"}";

    Rejected rejected = assertThrows(Rejected.class, () -> read(json));

    assertTrue(rejected.getMessage().contains(expected), rejected.getMessage());
    assertEquals(1, rejected.taskId().getAsLong());
    assertTrue(rejected.markFailed());
  }

  @ParameterizedTest
  @CsvSource({
    "https://shop.example, https://shop.example/",
    "HTTPS://SHOP.example/c/x/, https://shop.example/c/x",
    "https://shop.example/C/x, https://shop.example/C/x/",
  })
  void should_see_that_two_addresses_are_the_same_course(String one, String other) {
    assertEquals(CourseUrl.normalize(one), CourseUrl.normalize(other));
  }

  @Test
  void should_tell_paths_and_queries_apart_by_case_and_hosts_by_port() {
    assertTrue(
        !CourseUrl.normalize("https://s.example/A")
            .equals(CourseUrl.normalize("https://s.example/a")));
    assertTrue(
        !CourseUrl.normalize("https://s.example?id=A")
            .equals(CourseUrl.normalize("https://s.example?id=a")));
    assertTrue(
        !CourseUrl.parse("https://s.example#A/")
            .key()
            .equals(CourseUrl.parse("https://s.example#a/").key()));
    assertTrue(CourseUrl.parse("https://s.example:8443/x").isOn(List.of("s.example:8443")));
    assertTrue(!CourseUrl.parse("https://s.example/x").isOn(List.of("s.example:8443")));
    assertTrue(CourseUrl.parse("https://a.b.s.example/x").isOn(List.of(".s.example")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"taskId\":1,\"taskId\":2}",
        "{\"taskId\":1} {}",
        "{\"taskId\":1",
        "{'taskId':1}",
        "{\"taskId\":NaN}",
        "{\"taskId\":01}",
        "{\"taskId\":+1}",
        "{\"taskId\":.5}",
        "{\"taskId\":5.}",
        "{\"taskId\":0x1}",
        "{\"taskId\":Infinity}",
        "{\"taskId\":-}",
        "{\"a\":{\"b\":1,\"b\":1}}",
        "{\"taskId\":1,\"\\u0074askId\":2}",
        "{\"taskId\":1,}",
        "{\"taskId\":1 /* 2 */}",
        "{taskId:1}",
        "{\"taskId\":1}]",
        "\ufeff{\"taskId\":1}",
        "{\"taskId\":\"\\ud80\"}",
        "{\"taskId\":\"\\x41\"}",
        "{\"taskId\":\"a\u0000b\"}",
      })
  void should_not_parse_what_two_readers_could_understand_differently(String json) {
    assertThrows(
        com.fasterxml.jackson.core.JsonProcessingException.class,
        () -> Payload.strictMapper().readTree(json));
  }

  @Test
  void should_not_follow_nesting_without_end() {
    String deep = "{\"a\":" + "[".repeat(1000) + "]".repeat(1000) + "}";

    assertThrows(
        com.fasterxml.jackson.core.JsonProcessingException.class,
        () -> Payload.strictMapper().readTree(deep));
  }

  /** What would cost memory or time out of all proportion to what was sent. */
  @Test
  void should_not_read_what_is_out_of_all_proportion() {
    for (String text :
        List.of(
            "[".repeat(10_000),
            "{\"a\":".repeat(10_000),
            "{\"taskId\":" + "9".repeat(1_001) + "}",
            "{\"taskId\":1" + "0".repeat(20_000) + "}",
            "{\"" + "n".repeat(60_000) + "\":1}",
            "{\"a\":\"" + "x".repeat(2 << 20) + "\"}",
            "[" + "1,".repeat(20_000) + "1]",
            "{\"taskId\":1}                \0")) {
      assertThrows(
          com.fasterxml.jackson.core.JsonProcessingException.class,
          () -> Payload.strictMapper().readTree(text),
          text.substring(0, 20));
    }
  }

  @Test
  void should_show_no_more_of_a_number_than_one_can_read() {
    Rejected rejected =
        assertThrows(Rejected.class, () -> read("{\"taskId\":" + "7".repeat(900) + "}"));

    assertTrue(rejected.getMessage().endsWith(", found " + "7".repeat(24) + "…"));
  }
}
