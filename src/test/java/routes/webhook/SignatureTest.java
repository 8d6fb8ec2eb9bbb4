package routes.webhook;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class SignatureTest {
  /** Computed with another language's library: HMAC-SHA256 of "42" + name + "1700000000". */
  @Test
  void should_sign_names_with_spaces_quotes_vietnamese_and_emoji() {
    assertEquals(
        "e0ea193bacba84e2c3c0bf5066a955c578fa5eff7931657459a13af58f3a7530",
        Signature.simple("shared-secret", 42, "Khoá học \"Đầu tư\" 🎓 d'été", "1700000000"));
  }

  /** Source of key, message and result: the example in Standard Webhooks' specification. */
  @Test
  void should_sign_as_standard_webhooks_says() {
    assertEquals(
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        Signature.standard(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            "{\"test\": 2432232314}".getBytes(StandardCharsets.UTF_8)));
  }

  /** While the secret is being changed: a receiver that knows either finds its signature. */
  @Test
  void should_sign_with_the_new_secret_and_the_one_before() {
    byte[] body = "{}".getBytes(StandardCharsets.UTF_8);
    String both = Signature.standard(List.of("new-secret", "old-secret"), "id", "1", body);

    assertEquals(
        Signature.standard("new-secret", "id", "1", body)
            + " "
            + Signature.standard("old-secret", "id", "1", body),
        both);
  }
}
