package routes.operator;

import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.ext.web.Router;
import java.util.function.Consumer;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServer;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServerConfiguration;

/**
 * Camel's HTTP server with bounds that Camel has no settings for, and with everything mounted
 * before it listens. Why: docs/decisions/0014.
 */
public final class HttpListener extends VertxPlatformHttpServer {
  /** Longer than the pauses between two signs of life of a stream. */
  private static final int IDLE_SECONDS = 60;

  private static final int LONGEST_LINE = 8 * 1024;
  private static final int LARGEST_HEADERS = 16 * 1024;

  private final VertxPlatformHttpServerConfiguration where;
  private final HttpConnections connections;
  private final Consumer<VertxPlatformHttpRouter> content;
  private Router router;
  private HttpServer server;

  /**
   * @param content mounts what is answered, once; Camel adds health and metrics later
   */
  public HttpListener(
      String host,
      int port,
      HttpConnections connections,
      Consumer<VertxPlatformHttpRouter> content) {
    this(configuration(host, port), connections, content);
  }

  private HttpListener(
      VertxPlatformHttpServerConfiguration where,
      HttpConnections connections,
      Consumer<VertxPlatformHttpRouter> content) {
    super(where);
    this.where = where;
    this.connections = connections;
    this.content = content;
  }

  private static VertxPlatformHttpServerConfiguration configuration(String host, int port) {
    VertxPlatformHttpServerConfiguration where = new VertxPlatformHttpServerConfiguration();
    where.setBindHost(host);
    where.setBindPort(port);
    return where;
  }

  @Override
  protected void initializeServer() {
    super.initializeServer();
    VertxPlatformHttpRouter mounted =
        VertxPlatformHttpRouter.lookup(
            getCamelContext(), VertxPlatformHttpRouter.getRouterNameFromPort(where.getBindPort()));
    connections.mount(mounted);
    content.accept(mounted);
    router = mounted;
  }

  @Override
  protected void startServer() {
    HttpServerOptions options =
        new HttpServerOptions()
            .setIdleTimeout(IDLE_SECONDS)
            .setMaxInitialLineLength(LONGEST_LINE)
            .setMaxHeaderSize(LARGEST_HEADERS)
            // Nobody here needs it, and its floods are many.
            .setHttp2ClearTextEnabled(false);
    server =
        getVertx()
            .createHttpServer(options)
            .connectionHandler(connections::opened)
            .requestHandler(router);
    server
        .listen(where.getBindPort(), where.getBindHost())
        .toCompletionStage()
        .toCompletableFuture()
        .join();
  }

  @Override
  public HttpServer getServer() {
    return server;
  }

  @Override
  protected void stopServer() {
    if (server != null) {
      server.close().toCompletionStage().toCompletableFuture().join();
    }
  }

  @Override
  protected void stopVertx() {
    getVertx().close().toCompletionStage().toCompletableFuture().join();
  }
}
