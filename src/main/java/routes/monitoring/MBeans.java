package routes.monitoring;

import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import routes.Parts;

/**
 * What JMX shows of a worker, beside Camel's routes: {@code waybill:type=…,worker=…}. No e-mail
 * address, no URL, no secret. None of it can be changed there.
 */
public final class MBeans implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MBeans.class);

  private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
  private final Map<ObjectName, Object> beans = new LinkedHashMap<>();

  public MBeans(Parts parts) {
    String worker = ",worker=" + ObjectName.quote(parts.lease().worker().id());
    add("type=Events" + worker, parts.events());
    add("type=Holds" + worker, parts.holds());
    add("type=Breakers" + worker, parts.breakers());
    add("type=Worker" + worker, new WorkerView(parts));
    for (boolean vip : new boolean[] {true, false}) {
      String queue = ObjectName.quote(parts.settings().queueOf(vip));
      add("type=Queue,name=" + queue + worker, new QueueView(parts, vip));
    }
  }

  private void add(String name, Object bean) {
    try {
      beans.put(new ObjectName("waybill:" + name), bean);
    } catch (JMException e) {
      throw new IllegalArgumentException(name, e);
    }
  }

  /** A worker that cannot be seen works all the same. */
  public void register() {
    beans.forEach(
        (name, bean) -> {
          try {
            server.registerMBean(bean, name);
          } catch (JMException e) {
            LOG.warn("{} could not be registered: {}", name, e.toString());
          }
        });
  }

  @Override
  public void close() {
    beans.forEach(
        (name, bean) -> {
          try {
            if (server.isRegistered(name)) {
              server.unregisterMBean(name);
            }
          } catch (JMException e) {
            LOG.warn("{} could not be unregistered: {}", name, e.toString());
          }
        });
  }
}
