package servers;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** A server's certificate, made by the JDK's keytool when a test wants it. */
public final class TestCertificate {
  private static final char[] PASSWORD = "changeit".toCharArray();

  private final Path store;
  private final KeyStore keys;

  private TestCertificate(Path store, KeyStore keys) {
    this.store = store;
    this.keys = keys;
  }

  /** One that may vouch for others. */
  public static Path authority(Path directory) throws IOException, InterruptedException {
    Path store = directory.resolve("authority.p12");
    keytool(store, "ca", "-dname", "CN=authority", "-ext", "bc:c");
    return store;
  }

  /**
   * @param authority vouches for it; null if it does so itself
   * @param names as keytool wants them: {@code dns:localhost,ip:127.0.0.1}
   * @param more such as {@code -startdate -2y -validity 1}
   */
  public static TestCertificate make(Path directory, Path authority, String names, String... more)
      throws IOException, InterruptedException, GeneralSecurityException {
    Path store = Files.createTempFile(directory, "server", ".p12");
    Files.delete(store);
    List<String> options =
        new ArrayList<>(List.of("-dname", "CN=a\\, receiver", "-ext", "san=" + names));
    if (authority != null) {
      Files.copy(authority, store);
      options.addAll(List.of("-signer", "ca"));
    }
    options.addAll(List.of(more));
    keytool(store, "it", options.toArray(String[]::new));
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD);
    }
    keys.deleteEntry("ca");
    return new TestCertificate(store, keys);
  }

  /** The certificate that vouches for it, as operators have it. */
  public Path pem() throws IOException, GeneralSecurityException {
    Certificate[] chain = keys.getCertificateChain("it");
    Path file = store.resolveSibling(store.getFileName() + ".pem");
    return Files.writeString(
        file,
        "-----BEGIN CERTIFICATE-----\n"
            + Base64.getMimeEncoder().encodeToString(chain[chain.length - 1].getEncoded())
            + "\n-----END CERTIFICATE-----\n");
  }

  private static void keytool(Path store, String alias, String... options)
      throws IOException, InterruptedException {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    line.addAll(List.of("-genkeypair", "-keyalg", "EC", "-alias", alias));
    line.addAll(List.of("-keystore", store.toString(), "-storepass", "changeit"));
    line.addAll(List.of(options));
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes());
    if (process.waitFor() != 0) {
      throw new IOException(said);
    }
  }

  /** For a server that shows it. */
  public SSLContext context() throws IOException, GeneralSecurityException {
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, PASSWORD);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    return context;
  }
}
