package routes.operator;

import java.util.Set;
import java.util.function.Supplier;
import javax.management.ObjectName;
import org.jolokia.server.core.service.api.Restrictor;
import org.jolokia.server.core.util.HttpMethod;
import org.jolokia.server.core.util.RequestType;

/**
 * What may be seen and done of JMX over HTTP: Camel's MBeans, ours and four of the JVM's are read;
 * with the token, routes are started and stopped. Everything else is refused, and not even listed:
 * among the JVM's MBeans are those that write files, dump memory and show system properties.
 */
final class JmxAccess implements Restrictor {
  private static final String CAMEL = "org.apache.camel";
  private static final String OURS = "waybill";
  private static final Set<String> OF_THE_JVM =
      Set.of("Runtime", "Memory", "Threading", "OperatingSystem");

  /** Of Runtime: the others show -D settings, which may hold secrets, and paths. */
  private static final Set<String> OF_RUNTIME =
      Set.of(
          "Name", "Pid", "StartTime", "Uptime", "VmName", "VmVendor", "VmVersion", "SpecVersion");

  private static final Set<RequestType> TYPES =
      Set.of(
          RequestType.READ,
          RequestType.LIST,
          RequestType.SEARCH,
          RequestType.VERSION,
          RequestType.EXEC);

  private static final Set<String> CHANGES = Set.of("start", "start()", "stop()");

  /** They only show, and with placeholders as they were written. */
  private static final Set<String> VIEWS =
      Set.of("dumpRoutesAsXml()", "dumpRouteStatsAsXml()", "dumpRouteAsXml()");

  /** Jolokia asks in the thread that answers the request. */
  private final ThreadLocal<Boolean> mayChange = ThreadLocal.withInitial(() -> false);

  /**
   * @param changes whether whoever asks has shown the token
   */
  <T> T asking(boolean changes, Supplier<T> work) {
    mayChange.set(changes);
    try {
      return work.get();
    } finally {
      mayChange.remove();
    }
  }

  @Override
  public boolean isHttpMethodAllowed(HttpMethod method) {
    return true;
  }

  @Override
  public boolean isTypeAllowed(RequestType type) {
    return TYPES.contains(type);
  }

  @Override
  public boolean isAttributeReadAllowed(ObjectName name, String attribute) {
    return !isObjectNameHidden(name)
        && (!name.getDomain().equals("java.lang")
            || !"Runtime".equals(name.getKeyProperty("type"))
            || OF_RUNTIME.contains(attribute));
  }

  @Override
  public boolean isAttributeWriteAllowed(ObjectName name, String attribute) {
    return false;
  }

  @Override
  public boolean isOperationAllowed(ObjectName name, String operation) {
    if (!name.getDomain().equals(CAMEL)) {
      return false;
    }
    String type = name.getKeyProperty("type");
    return "routes".equals(type) && CHANGES.contains(operation)
        ? mayChange.get()
        : ("routes".equals(type) || "context".equals(type)) && VIEWS.contains(operation);
  }

  @Override
  public boolean isObjectNameHidden(ObjectName name) {
    return switch (name.getDomain()) {
      case CAMEL, OURS -> false;
      case "java.lang" -> !OF_THE_JVM.contains(name.getKeyProperty("type"));
      default -> true;
    };
  }

  /** {@link Access} has decided that already. */
  @Override
  public boolean isRemoteAccessAllowed(String... hostsOrAddresses) {
    return true;
  }

  /** {@link JolokiaSide} has. */
  @Override
  public boolean isOriginAllowed(String origin, boolean onlyWhenStrictCheckingIsEnabled) {
    return true;
  }
}
