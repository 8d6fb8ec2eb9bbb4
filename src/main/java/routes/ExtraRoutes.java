package routes;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.FailedToCreateRouteException;
import org.apache.camel.FailedToStartRouteException;
import org.apache.camel.Ordered;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.model.ModelCamelContext;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.apache.camel.util.ObjectHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/**
 * Routes of the operator's own, from YAML files, loaded after ours. A file can add routes and
 * beans; it can neither replace ours nor take what they wait for. How to write one:
 * docs/extending.md.
 */
final class ExtraRoutes implements RoutesBuilder, Ordered {
  private static final Logger LOG = LoggerFactory.getLogger(ExtraRoutes.class);

  /** Anything else at the top of a file, such as a route configuration, would reach our routes. */
  private static final Set<String> ITEMS = Set.of("route", "beans", "onException");

  /** A second consumer of these would take jobs away, or messages before they are written down. */
  private static final Set<String> OURS_ALONE = Set.of("redis-list", "redis-bell");

  private final Path directory;
  private final Map<String, Path> files = new HashMap<>();

  ExtraRoutes(Path directory) {
    this.directory = directory;
  }

  /**
   * @throws IllegalArgumentException if a file cannot be used; its message begins with the file
   */
  @Override
  public void addRoutesToCamelContext(CamelContext camel) throws IOException {
    Set<String> ids = new HashSet<>();
    Set<String> sources = new HashSet<>();
    for (RouteDefinition route : ((ModelCamelContext) camel).getRouteDefinitions()) {
      ids.add(route.getRouteId());
      sources.add(source(camel, route));
    }
    for (Path file : yamlFiles()) {
      try {
        add(camel, file, ids, sources);
      } catch (Exception e) {
        throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
      }
    }
    LOG.info(
        "Routes of your own from {}: {}", directory, files.isEmpty() ? "none" : files.keySet());
  }

  @Override
  public int getOrder() {
    // Without it Camel takes them before ours, and could not tell what is ours.
    return LOWEST;
  }

  @Override
  public Set<String> updateRoutesToCamelContext(CamelContext camel) {
    // Files are read at the start and never again.
    return Set.of();
  }

  @Override
  public void addTemplatedRoutesToCamelContext(CamelContext camel) {
    // No file may have a template: ITEMS.
  }

  private List<Path> yamlFiles() throws IOException {
    try (Stream<Path> all = Files.list(directory)) {
      return all.filter(file -> file.toString().endsWith(".yaml")).sorted().toList();
    }
  }

  private void add(CamelContext camel, Path file, Set<String> ids, Set<String> sources)
      throws Exception {
    byte[] text = Files.readAllBytes(file);
    checkItems(camel, new String(text, StandardCharsets.UTF_8));
    var found =
        PluginHelper.getRoutesLoader(camel)
            .findRoutesBuilders(ResourceHelper.fromBytes(file.toString(), text));
    for (RoutesBuilder builder : found) {
      for (RouteDefinition route : ((RouteBuilder) builder).configureRoutes(camel).getRoutes()) {
        checkRoute(route.getRouteId(), source(camel, route), ids, sources);
        ids.add(route.getRouteId());
        files.put(route.getRouteId(), file);
      }
      camel.addRoutes(builder);
    }
  }

  private static void checkItems(CamelContext camel, String text) {
    Object content = new Load(LoadSettings.builder().build()).loadFromString(text);
    if (!(content instanceof List<?> items)) {
      throw new IllegalArgumentException("expected a list of routes, found something else");
    }
    for (Object item : items) {
      if (!(item instanceof Map<?, ?> fields) || !ITEMS.containsAll(fields.keySet())) {
        throw new IllegalArgumentException(
            "expected items of "
                + ITEMS
                + ", found "
                + (item instanceof Map<?, ?> m ? m.keySet() : item));
      }
      if (fields.get("beans") instanceof List<?> beans) {
        beans.forEach(bean -> checkBean(camel, bean));
      }
    }
  }

  private static void checkBean(CamelContext camel, Object bean) {
    if (bean instanceof Map<?, ?> fields
        && camel.getRegistry().lookupByName(String.valueOf(fields.get("name"))) != null) {
      throw new IllegalArgumentException(
          "the bean name '" + fields.get("name") + "' is taken by Waybill");
    }
  }

  private static void checkRoute(String id, String source, Set<String> ids, Set<String> sources) {
    if (id == null) {
      throw new IllegalArgumentException("expected an id for every route, found one without");
    }
    if (ids.contains(id)) {
      throw new IllegalArgumentException("the route id '" + id + "' is taken");
    }
    if (sources.contains(source) || OURS_ALONE.contains(source.split(":", 2)[0])) {
      throw new IllegalArgumentException(
          "route '" + id + "' would take what Waybill's own routes wait for: " + source);
    }
  }

  /** Scheme and path: two timers of one name, for example, share one thread. */
  private static String source(CamelContext camel, RouteDefinition route) {
    String uri = camel.resolvePropertyPlaceholders(route.getInput().getEndpointUri());
    return uri.split("\\?", 2)[0].replaceFirst(":/*", ":");
  }

  /**
   * What Camel says about a route that cannot be made, with the file it comes from.
   *
   * @return the failure itself if it is about none of these routes
   */
  Exception explain(Exception failure) {
    var create = ObjectHelper.getException(FailedToCreateRouteException.class, failure);
    var start = ObjectHelper.getException(FailedToStartRouteException.class, failure);
    String id = create != null ? create.getRouteId() : start != null ? start.getRouteId() : null;
    return id == null || !files.containsKey(id)
        ? failure
        : new IllegalArgumentException(files.get(id) + ": " + failure.getMessage(), failure);
  }
}
