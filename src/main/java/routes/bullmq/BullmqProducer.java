package routes.bullmq;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.support.DefaultProducer;

/**
 * Adds what a message holds as a job; its options are headers. A list of bodies is added in turn.
 */
final class BullmqProducer extends DefaultProducer {
  private final BullmqEndpoint endpoint;
  private final BullQueue queue;

  BullmqProducer(BullmqEndpoint endpoint) {
    super(endpoint);
    this.endpoint = endpoint;
    this.queue = endpoint.open();
  }

  @Override
  public void process(Exchange exchange) throws Exception {
    Message message = exchange.getMessage();
    String name = message.getHeader(BullmqConstants.JOB_NAME, endpoint.getJobName(), String.class);
    NewJob job = job(message);
    if (message.getBody() instanceof Iterable<?> all && job.id() == null) {
      for (Object body : all) {
        queue.add(name, ReturnValue.of(body), job);
      }
    } else {
      message.setHeader(
          BullmqConstants.JOB_ID, queue.add(name, ReturnValue.of(message.getBody()), job));
    }
  }

  private static NewJob job(Message message) throws Exception {
    String backoff = message.getHeader(BullmqConstants.BACKOFF, String.class);
    Duration delay = BullmqConsumer.delay(message);
    return new NewJob(
        message.getHeader(BullmqConstants.JOB_ID, String.class),
        delay == null ? Duration.ZERO : delay,
        message.getHeader(BullmqConstants.ATTEMPTS, 0, Integer.class),
        backoff == null ? null : BullJob.JSON.readValue(backoff, ObjectNode.class),
        message.getHeader(BullmqConstants.PRIORITY, 0, Integer.class),
        false,
        null,
        null,
        null);
  }
}
