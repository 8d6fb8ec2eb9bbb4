package servers;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One tab: what a person does in it, and what they see. Protocol: the DevTools domains Page,
 * Runtime, Log, Input and Emulation.
 */
public final class BrowserTab implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int SHIFT = 8;

  private final AtomicInteger calls = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
  private final List<String> errors = new CopyOnWriteArrayList<>();
  private final WebSocket socket;

  BrowserTab(HttpClient http, URI address) throws IOException {
    socket = http.newWebSocketBuilder().buildAsync(address, new Ears()).join();
    call("Page.enable", Map.of());
    call("Runtime.enable", Map.of());
    call("Log.enable", Map.of());
  }

  private final class Ears implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
      text.append(part);
      if (last) {
        try {
          heard(JSON.readTree(text.toString()));
        } catch (JsonProcessingException e) {
          errors.add("unreadable: " + text);
        }
        text.setLength(0);
      }
      from.request(1);
      return null;
    }
  }

  private void heard(JsonNode message) {
    JsonNode parameters = message.path("params");
    switch (message.path("method").asText()) {
      case "Runtime.exceptionThrown" -> errors.add(parameters.path("exceptionDetails").toString());
      case "Runtime.consoleAPICalled" -> {
        if (parameters.path("type").asText().equals("error")) {
          errors.add(parameters.path("args").toString());
        }
      }
      case "Log.entryAdded" -> {
        JsonNode entry = parameters.path("entry");
        // An answer that says no is the page's to show; everything else is a fault of the page.
        if (entry.path("level").asText().equals("error")
            && !entry.path("source").asText().equals("network")) {
          errors.add(entry.toString());
        }
      }
      case "Page.javascriptDialogOpening" -> errors.add("a script opened a dialog: " + parameters);
      default -> {
        CompletableFuture<JsonNode> waiting = answers.remove(message.path("id").asInt());
        if (waiting != null) {
          waiting.complete(message);
        }
      }
    }
  }

  private JsonNode call(String method, Map<String, ?> parameters) throws IOException {
    int id = calls.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    answers.put(id, answer);
    String text = JSON.writeValueAsString(Map.of("id", id, "method", method, "params", parameters));
    socket.sendText(text, true).join();
    try {
      JsonNode found = answer.get(30, TimeUnit.SECONDS);
      if (found.has("error")) {
        throw new IOException(method + ": " + found.path("error"));
      }
      return found.path("result");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      throw new IOException(method + " was not answered", e);
    }
  }

  /** What went wrong in it: errors on the console, exceptions, breaches of the page's policy. */
  public List<String> errors() {
    return errors;
  }

  public void go(String url) throws IOException {
    call("Page.navigate", Map.of("url", url));
  }

  /** Runs in every page from now on, before its own scripts. */
  public void first(String script) throws IOException {
    call("Page.addScriptToEvaluateOnNewDocument", Map.of("source", script));
  }

  public void reload() throws IOException {
    call("Page.reload", Map.of());
  }

  /** The value of an expression; promises are waited for. */
  public JsonNode eval(String expression) throws IOException {
    JsonNode result =
        call(
            "Runtime.evaluate",
            Map.of("expression", expression, "returnByValue", true, "awaitPromise", true));
    if (result.has("exceptionDetails")) {
      throw new IOException(expression + ": " + result.path("exceptionDetails"));
    }
    return result.path("result").path("value");
  }

  /** What is to be read in an element; blank if there is none, or it is not shown. */
  public String text(String selector) throws IOException {
    return eval("(() => { const e = document.querySelector("
            + quoted(selector)
            + "); return e?.checkVisibility() ? e.innerText : ''; })()")
        .asText();
  }

  private static String quoted(String text) throws IOException {
    return JSON.writeValueAsString(text);
  }

  /**
   * Where the middle of an element is, once it is there, stays where it is and nothing covers it: a
   * page that draws itself anew may be about to move it.
   */
  private static final String MIDDLE =
      """
      (async () => {
        const until = performance.now() + 20000;
        let before = '';
        while (performance.now() < until) {
          const e = document.querySelector(%s);
          if (e) {
            e.scrollIntoView({ block: 'center' });
            const r = e.getBoundingClientRect();
            const x = r.x + r.width / 2, y = r.y + r.height / 2;
            if (before === `${x} ${y}` && e.contains(document.elementFromPoint(x, y))) return { x, y };
            before = `${x} ${y}`;
          }
          await new Promise((done) => setTimeout(done, 20));
        }
        throw new Error('it cannot be clicked');
      })()""";

  /** With the mouse, in the middle of the element. */
  public void click(String selector) throws IOException {
    JsonNode at = eval(MIDDLE.formatted(quoted(selector)));
    for (String type : List.of("mousePressed", "mouseReleased")) {
      call(
          "Input.dispatchMouseEvent",
          Map.of(
              "type",
              type,
              "x",
              at.path("x").asDouble(),
              "y",
              at.path("y").asDouble(),
              "button",
              "left",
              "clickCount",
              1));
    }
  }

  /** On the keyboard, into whatever has the focus. */
  public void type(String text) throws IOException {
    call("Input.insertText", Map.of("text", text));
  }

  /** Tab, Enter, Escape, or Shift+Tab. */
  public void press(String key) throws IOException {
    String name = key.replace("Shift+", "");
    int code = Map.of("Tab", 9, "Enter", 13, "Escape", 27).get(name);
    int modifiers = key.startsWith("Shift+") ? SHIFT : 0;
    Map<String, Object> parameters =
        Map.of("key", name, "code", name, "windowsVirtualKeyCode", code, "modifiers", modifiers);
    Map<String, Object> down = new java.util.HashMap<>(parameters);
    down.put("type", "keyDown");
    if (name.equals("Enter")) {
      down.put("text", "\r");
    }
    call("Input.dispatchKeyEvent", down);
    Map<String, Object> up = new java.util.HashMap<>(parameters);
    up.put("type", "keyUp");
    call("Input.dispatchKeyEvent", up);
  }

  /** In CSS pixels. */
  public void size(int width, int height) throws IOException {
    call(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 600));
  }

  public void dark() throws IOException {
    call(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", "dark"))));
  }

  /** As PNG. */
  public void screenshot(Path file) throws IOException {
    Files.createDirectories(file.getParent());
    JsonNode shot = call("Page.captureScreenshot", Map.of("format", "png"));
    Files.write(file, Base64.getDecoder().decode(shot.path("data").asText()));
  }

  @Override
  public void close() {
    try {
      call("Page.close", Map.of());
    } catch (IOException goneAlready) {
      // the tab is closed
    }
    socket.abort();
  }
}
