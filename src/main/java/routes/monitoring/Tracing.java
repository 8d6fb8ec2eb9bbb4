package routes.monitoring;

import static routes.RouteNames.BURY_JOB;
import static routes.RouteNames.CLAIM_JOB;
import static routes.RouteNames.CLEAN_UP;
import static routes.RouteNames.DOWNLOAD;
import static routes.RouteNames.POST_WEBHOOK;
import static routes.RouteNames.REMOVE_SANDBOX;
import static routes.RouteNames.REUSE_DELIVERY;
import static routes.RouteNames.RUN_DOWNLOADER;
import static routes.RouteNames.RUN_RCLONE;
import static routes.RouteNames.SEND_WEBHOOK;
import static routes.RouteNames.UPLOAD;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.NamedNode;
import org.apache.camel.Route;
import org.apache.camel.spi.RoutePolicy;
import org.apache.camel.spi.RoutePolicyFactory;
import org.apache.camel.spi.SynchronizationRouteAware;
import org.apache.camel.support.RoutePolicySupport;
import org.apache.camel.support.SynchronizationAdapter;
import routes.ExchangeProperties;
import routes.job.Flight;

/**
 * Sends a trace of each job over its stages to an OTLP endpoint: a span a route, named like it,
 * with the task's id and nothing else about the job. Nothing waits for the endpoint: spans that
 * cannot be sent in time are dropped.
 *
 * <p>Not camel-opentelemetry2: it keeps its spans in the exchange, of which a dynamic router makes
 * copies, so that the span of the job was never ended; and it notes the webhook's address.
 */
public final class Tracing implements RoutePolicyFactory, AutoCloseable {
  private static final long LONGEST_FLUSH_SECONDS = 2;
  private static final String TASK_ID = "waybill.task_id";

  private static final Set<String> STEPS =
      Set.of(
          REUSE_DELIVERY,
          DOWNLOAD,
          RUN_DOWNLOADER,
          UPLOAD,
          RUN_RCLONE,
          POST_WEBHOOK,
          SEND_WEBHOOK,
          CLEAN_UP,
          REMOVE_SANDBOX,
          BURY_JOB);

  private final SdkTracerProvider provider;
  private final Tracer tracer;

  /**
   * @param endpoint base address; {@code /v1/traces} is added
   * @param worker id of this process
   */
  public Tracing(URI endpoint, String worker) {
    Attributes process =
        Attributes.of(
            AttributeKey.stringKey("service.name"),
            "waybill",
            AttributeKey.stringKey("service.instance.id"),
            worker);
    OtlpHttpSpanExporter exporter =
        OtlpHttpSpanExporter.builder()
            .setEndpoint(endpoint.toString().replaceAll("/+$", "") + "/v1/traces")
            .build();
    provider =
        SdkTracerProvider.builder()
            .setResource(Resource.create(process))
            .addSpanProcessor(BatchSpanProcessor.builder(exporter).build())
            .build();
    tracer = provider.get("waybill");
  }

  /** Asked by Camel for each route; timers, the intake and routes of others have no trace. */
  @Override
  public RoutePolicy createRoutePolicy(CamelContext camel, String routeId, NamedNode route) {
    if (routeId.equals(CLAIM_JOB)) {
      return new Job();
    }
    return STEPS.contains(routeId) ? new Step() : null;
  }

  /** Sends what is left, within a moment. */
  @Override
  public void close() {
    provider.shutdown().join(LONGEST_FLUSH_SECONDS, TimeUnit.SECONDS);
  }

  /** Spans that are not ended, the inmost first. One object for all copies of an exchange. */
  private static final class Trace {
    private record Open(String routeId, Span span) {}

    private final Deque<Open> open = new ArrayDeque<>();

    /** Ends the span of a route, and what was left open in it. */
    void end(String routeId, boolean failed) {
      if (open.stream().noneMatch(span -> span.routeId().equals(routeId))) {
        return;
      }
      Open last;
      do {
        last = open.pop();
        if (failed) {
          last.span().setStatus(StatusCode.ERROR);
        }
        last.span().end();
      } while (!last.routeId().equals(routeId));
    }
  }

  private static Trace trace(Exchange exchange) {
    return exchange.getProperty(ExchangeProperties.TRACE, Trace.class);
  }

  private final class Job extends RoutePolicySupport {
    @Override
    public void onExchangeBegin(Route route, Exchange exchange) {
      Trace trace = new Trace();
      Span span = tracer.spanBuilder(route.getRouteId()).setNoParent().startSpan();
      trace.open.push(new Trace.Open(route.getRouteId(), span));
      exchange.setProperty(ExchangeProperties.TRACE, trace);
      exchange.getExchangeExtension().addOnCompletion(new JobEnd());
    }
  }

  private final class Step extends RoutePolicySupport {
    @Override
    public void onExchangeBegin(Route route, Exchange exchange) {
      Trace trace = trace(exchange);
      if (trace != null && !trace.open.isEmpty()) {
        Span span =
            tracer
                .spanBuilder(route.getRouteId())
                .setParent(Context.root().with(trace.open.peek().span()))
                .startSpan();
        trace.open.push(new Trace.Open(route.getRouteId(), span));
        exchange.getExchangeExtension().addOnCompletion(new End(route.getRouteId()));
      }
    }
  }

  /** Not a policy's own {@code onExchangeDone}: Camel leaves that out as soon as it stops. */
  private static class End extends SynchronizationAdapter implements SynchronizationRouteAware {
    private final String routeId;

    End(String routeId) {
      this.routeId = routeId;
    }

    @Override
    public SynchronizationRouteAware getRouteSynchronization() {
      return this;
    }

    @Override
    public void onBeforeRoute(Route route, Exchange exchange) {
      // the policy has begun the span
    }

    @Override
    public void onAfterRoute(Route route, Exchange exchange) {
      if (route.getRouteId().equals(routeId)) {
        end(exchange);
      }
    }

    void end(Exchange exchange) {
      trace(exchange).end(routeId, exchange.getException() != null);
    }

    /** A copy of the exchange ends what it has begun. */
    @Override
    public boolean allowHandover() {
      return false;
    }
  }

  private static final class JobEnd extends End {
    JobEnd() {
      super(CLAIM_JOB);
    }

    /** A ring that came to nothing has no trace. */
    @Override
    void end(Exchange exchange) {
      Flight flight = ExchangeProperties.flight(exchange);
      Trace trace = trace(exchange);
      if (flight != null && !trace.open.isEmpty()) {
        trace.open.getLast().span().setAttribute(TASK_ID, flight.taskId());
        super.end(exchange);
      }
    }
  }
}
