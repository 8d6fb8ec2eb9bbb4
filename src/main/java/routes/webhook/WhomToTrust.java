package routes.webhook;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.client5.http.ssl.DefaultHostnameVerifier;
import org.apache.hc.client5.http.ssl.HostnameVerificationPolicy;
import org.apache.hc.client5.http.ssl.NoopHostnameVerifier;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.ssl.SSLContextBuilder;
import routes.settings.Outgoing;

/** Which receivers' certificates are taken: those the JVM trusts, the operator's own, or any. */
final class WhomToTrust {
  private WhomToTrust() {}

  static TlsSocketStrategy of(Outgoing settings) {
    try {
      if (!settings.verifyTls()) {
        SSLContext anybody =
            SSLContextBuilder.create().loadTrustMaterial((chain, type) -> true).build();
        return new DefaultClientTlsStrategy(
            anybody, HostnameVerificationPolicy.CLIENT, NoopHostnameVerifier.INSTANCE);
      }
      SSLContextBuilder context = SSLContextBuilder.create();
      if (!settings.trusted().isEmpty()) {
        context.loadTrustMaterial(store(settings.trusted()), null);
      }
      return new DefaultClientTlsStrategy(context.build(), new DefaultHostnameVerifier());
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static KeyStore store(List<Certificate> trusted)
      throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    for (Certificate certificate : trusted) {
      store.setCertificateEntry("trusted-" + store.size(), certificate);
    }
    return store;
  }
}
