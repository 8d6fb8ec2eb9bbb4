package routes.bullmq;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import org.apache.camel.Exchange;
import org.apache.camel.util.ObjectHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the end of an exchange means for its job. */
final class Settlement {
  private static final Logger LOG = LoggerFactory.getLogger(Settlement.class);

  private final BullmqEndpoint endpoint;
  private final BullQueue queue;
  private final BackoffRule backoff;

  Settlement(BullmqEndpoint endpoint, BullQueue queue) {
    this.endpoint = endpoint;
    this.queue = queue;
    this.backoff = endpoint.component().backoff();
  }

  /** Completed, put off, tried again or failed. */
  void settle(BullJob job, String token, Exchange exchange) throws Exception {
    Outcome outcome;
    Duration delay = BullmqConsumer.delay(exchange.getMessage());
    if (exchange.getException() instanceof RejectedExecutionException) {
      // A stop that was forced: Camel skips the rest of the route. That is no attempt.
      outcome = queue.release(job, token);
    } else if (exchange.isFailed()) {
      outcome = failed(job, token, exchange.getException());
    } else if (delay != null) {
      outcome = queue.delay(job.id(), token, delay);
    } else {
      String value = ReturnValue.of(exchange.getMessage().getBody());
      outcome = queue.complete(job, token, value, endpoint.completedKept(), endpoint.getMetrics());
    }
    tell(job, outcome);
  }

  /** It was to fail without being worked on. */
  void failedBefore(BullJob job, String token) {
    String reason = job.deferredFailure();
    tell(job, queue.fail(job, token, reason, reason, endpoint.failedKept(), endpoint.getMetrics()));
  }

  private Outcome failed(BullJob job, String token, Exception failure) {
    String reason =
        failure == null || failure.getMessage() == null
            ? String.valueOf(failure)
            : failure.getMessage();
    StringWriter trace = new StringWriter();
    if (failure != null) {
      failure.printStackTrace(new PrintWriter(trace, true));
    }
    boolean forGood = ObjectHelper.getException(UnrecoverableError.class, failure) != null;
    int attempt = job.attemptsMade() + 1;
    if (forGood || attempt >= job.attempts()) {
      return queue.fail(
          job, token, reason, trace.toString(), endpoint.failedKept(), endpoint.getMetrics());
    }
    return queue.retry(job, token, reason, trace.toString(), backoff.after(job, attempt));
  }

  private static void tell(BullJob job, Outcome outcome) {
    if (outcome != Outcome.DONE) {
      LOG.warn("Job {} has ended here, which does not count: {}", job.id(), outcome);
    }
  }
}
