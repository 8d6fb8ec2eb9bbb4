import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.ee10.proxy.ProxyServlet;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.ServletHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.ee10.servlet.ServletMapping;
import org.eclipse.jetty.ee10.webapp.WebAppContext;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * Hawtio on loopback, in front of one worker: what its pages ask of the JVM they came from is passed on to the worker.
 *
 * <p>Arguments: the war, the port, the worker's address, and whether WAYBILL_TOKEN goes along (true or false).
 */
public final class Console {
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

  private Console() {}

  public static void main(String[] arguments) throws Exception {
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
    // Its own log-in protects nothing here: whoever can reach the console can reach the worker.
    System.setProperty("hawtio.authenticationEnabled", "false");
    Path war = Path.of(arguments[0]);
    int port = number(arguments[1]);
    URI worker = URI.create(arguments[2].replaceAll("/+$", ""));
    if (!"http".equals(worker.getScheme()) || !LOOPBACK.contains(String.valueOf(worker.getHost()))) {
      fail("--worker: expected http://127.0.0.1:<port>, found '" + worker + "'");
    }
    String token = arguments[3].equals("true") ? System.getenv("WAYBILL_TOKEN") : null;
    if (arguments[3].equals("true") && (token == null || token.isEmpty())) {
      fail("--with-token: expected the token in WAYBILL_TOKEN, found none");
    }
    if (token != null) {
      // While it is being changed there are two: the new one is first.
      token = token.strip().split("[,\\s]+")[0];
    }

    Server server = new Server();
    ServerConnector connector = new ServerConnector(server);
    connector.setHost("127.0.0.1");
    connector.setPort(port);
    server.addConnector(connector);
    server.setHandler(console(war, port, worker, token));
    try {
      server.start();
    } catch (IOException taken) {
      fail("port " + port + ": " + taken.getMessage());
    }
    System.out.println(
        "Hawtio: http://127.0.0.1:" + connector.getLocalPort() + "/hawtio/ shows " + worker + "; Ctrl-C ends it");
    server.join();
  }

  private static WebAppContext console(Path war, int port, URI worker, String token) {
    WebAppContext console =
        new WebAppContext(war.toUri().toString(), "/hawtio") {
          @Override
          protected void startWebapp() throws Exception {
            dropItsOwnAgent(getServletHandler());
            ServletHolder passOn = new ServletHolder("worker", new Worker(worker, token));
            passOn.setAsyncSupported(true);
            getServletHandler().addServletWithMapping(passOn, "/jolokia/*");
            for (FilterHolder filter : getServletHandler().getFilters()) {
              filter.setAsyncSupported(true);
            }
            super.startWebapp();
          }
        };
    console.setTempDirectory(war.resolveSibling("unpacked-" + port).toAbsolutePath().toFile());
    console.setThrowUnavailableOnStartupException(true);
    // One for both: that of the war logs every step of the start.
    console.getProtectedClassMatcher().add("org.slf4j.");
    return console;
  }

  /**
   * Hawtio's agent would show, and do, everything in this JVM for everybody on this host; its proxy would pass on to
   * every port of it.
   */
  private static void dropItsOwnAgent(ServletHandler servlets) {
    Set<String> dropped = Set.of("jolokia-agent", "jolokia-proxy");
    servlets.setServletMappings(
        Stream.of(servlets.getServletMappings())
            .filter(mapping -> !dropped.contains(mapping.getServletName()))
            .toArray(ServletMapping[]::new));
    servlets.setServlets(
        Stream.of(servlets.getServlets())
            .filter(servlet -> !dropped.contains(servlet.getName()))
            .toArray(ServletHolder[]::new));
  }

  /** Passes on what the pages ask. */
  static final class Worker extends ProxyServlet {
    private final URI worker;
    private final String token;

    Worker(URI worker, String token) {
      this.worker = worker;
      this.token = token;
    }

    /** A name of another site that was made to point here is not this host. */
    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response)
        throws ServletException, IOException {
      if (!LOOPBACK.contains(request.getServerName())) {
        response.sendError(HttpServletResponse.SC_FORBIDDEN);
        return;
      }
      super.service(request, response);
    }

    @Override
    protected String rewriteTarget(HttpServletRequest request) {
      String path = request.getRequestURI().substring((request.getContextPath() + "/jolokia").length());
      String query = request.getQueryString() == null ? "" : "?" + request.getQueryString();
      return worker + "/observe/jolokia" + path + query;
    }

    /** The worker would take it for somebody from elsewhere; it is a browser of this host. */
    @Override
    protected void addProxyHeaders(HttpServletRequest client, Request request) {
      request.headers(headers -> headers.remove("X-Forwarded-For").remove("Forwarded").remove("Authorization"));
      if (token != null) {
        request.headers(headers -> headers.put("Authorization", "Bearer " + token));
      }
    }
  }

  private static int number(String text) {
    if (!text.matches("\\d{1,5}") || Integer.parseInt(text) > 65535) {
      fail("--port: expected a number up to 65535, found '" + text + "'");
    }
    return Integer.parseInt(text);
  }

  private static void fail(String why) {
    System.err.println("waybill: " + why);
    System.exit(2);
  }
}
