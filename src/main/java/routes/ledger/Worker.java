package routes.ledger;

import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * One life of one process. A process that has lost its lease goes on under a new one.
 *
 * @param id unique over all hosts and lives; safe in Redis keys and environment variables
 */
public record Worker(String id, String host, long pid) {
  private static final SecureRandom RANDOM = new SecureRandom();

  public static Worker born() {
    String host = hostName();
    long pid = ProcessHandle.current().pid();
    byte[] bytes = new byte[4];
    RANDOM.nextBytes(bytes);
    String safeHost = host.replaceAll("[^A-Za-z0-9.-]", "-");
    return new Worker(
        safeHost.substring(0, Math.min(80, safeHost.length()))
            + "-"
            + pid
            + "-"
            + HexFormat.of().formatHex(bytes),
        host,
        pid);
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      String name = ManagementFactory.getRuntimeMXBean().getName();
      return name.substring(name.indexOf('@') + 1);
    }
  }
}
