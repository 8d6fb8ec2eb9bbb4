package routes.queue;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How many messages are in hand when threads come and go. */
class BlockingConsumerTest {
  private final CamelContext camel = new DefaultCamelContext();
  private final Semaphore goOn = new Semaphore(0);
  private final List<String> begun = new CopyOnWriteArrayList<>();
  private Messages consumer;

  /** What each of the threads is given. */
  private final class Messages extends BlockingConsumer<String> {
    private final List<BlockingQueue<String>> queues = new ArrayList<>();
    private final Set<Integer> asking = ConcurrentHashMap.newKeySet();

    Messages(Processor processor, int threads) {
      super(camel.getEndpoint("mock:messages"), processor, threads, () -> true);
      for (int i = 0; i < threads; i++) {
        queues.add(new LinkedBlockingQueue<>());
      }
    }

    @Override
    String take(int thread) {
      asking.add(thread);
      try {
        String message = null;
        while (message == null && isRunAllowed() && !isSuspendingOrSuspended()) {
          message = queues.get(thread).poll(10, TimeUnit.MILLISECONDS);
        }
        return message;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return null;
      } finally {
        asking.remove(thread);
      }
    }

    @Override
    void fill(Exchange exchange, String message) {
      exchange.getIn().setBody(message);
    }

    @Override
    void accepted(String message) {
      // It was this queue's last word.
    }

    @Override
    void refused(String message) {
      queues.get(0).add(message);
    }
  }

  @BeforeEach
  void open() {
    camel.start();
  }

  private void start(int threads) {
    consumer =
        new Messages(
            exchange -> {
              begun.add(exchange.getIn().getBody(String.class));
              goOn.acquire();
            },
            threads);
    consumer.start();
  }

  @AfterEach
  void close() {
    goOn.release(1000);
    consumer.stop();
    camel.stop();
  }

  @Test
  void should_have_no_more_in_hand_than_there_are_threads_left() {
    start(3);
    consumer.queues.get(2).add("of a thread too many");
    await().until(() -> begun.size() == 1 && consumer.asking.equals(Set.of(0, 1)));

    consumer.resize(2);
    consumer.queues.get(1).add("one");
    await().until(() -> begun.size() == 2);
    consumer.queues.get(0).add("another");
    // Refused: it is there again, and nobody asks for it.
    await().until(() -> consumer.asking.isEmpty() && !consumer.queues.get(0).isEmpty());
    assertEquals(List.of("of a thread too many", "one"), begun);

    goOn.release();
    await().until(() -> begun.size() == 3);
  }

  @Test
  void should_take_nothing_while_all_threads_of_before_a_suspension_work() {
    start(1);
    consumer.queues.get(0).add("one");
    await().until(() -> begun.size() == 1);
    consumer.suspend();
    consumer.resume();

    consumer.queues.get(0).add("another");
    assertEquals(Duration.ZERO, consumer.age(), "it is full");
    goOn.release();
    await().until(() -> begun.size() == 2);

    assertEquals(List.of("one", "another"), begun);
  }
}
