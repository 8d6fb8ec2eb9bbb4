package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import javax.management.Attribute;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.junit.jupiter.api.Test;
import servers.LocalProcess;

/** Who may attach to the process sends it objects, as JConsole does. */
class DeserializationTest extends WorkerTest {
  @Test
  void should_read_what_jconsole_sends_and_no_other_object() throws Exception {
    LocalProcess worker = startJar();
    awaitState(shop.order("ok"), "done");
    VirtualMachine machine = VirtualMachine.attach(String.valueOf(worker.pid()));
    String address = machine.startLocalManagementAgent();
    machine.detach();
    try (JMXConnector connector = JMXConnectorFactory.connect(new JMXServiceURL(address))) {
      MBeanServerConnection jmx = connector.getMBeanServerConnection();
      ObjectName memory = new ObjectName("java.lang:type=Memory");

      assertTrue(jmx.queryNames(new ObjectName("waybill:*"), null).size() > 3);
      jmx.setAttribute(memory, new Attribute("Verbose", false));
      assertEquals(false, jmx.getAttribute(memory, "Verbose"));
      IOException refused =
          assertThrows(
              IOException.class,
              () ->
                  jmx.setAttribute(
                      memory, new Attribute("Verbose", List.of(URI.create("http://x/").toURL()))));
      assertTrue(refused.toString().contains("REJECTED") || hasCause(refused), refused::toString);
    }
  }

  private static boolean hasCause(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (String.valueOf(t.getMessage()).contains("REJECTED")) {
        return true;
      }
    }
    return false;
  }
}
