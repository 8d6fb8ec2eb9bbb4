package torture;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import net.bytebuddy.ByteBuddy;
import torture.agent.Agent;

/** Packs the agent, so that a JVM can be started with it. */
final class AgentJar {
  private static final List<String> CLASSES =
      List.of(
          "Agent",
          "Agent$Guard",
          "Failpoint",
          "Failpoint$Step",
          "Sabotage",
          "Sabotage$Skip",
          "Sabotage$NoFence",
          "Sabotage$NothingMissing",
          "Sabotage$NewId");

  private AgentJar() {}

  /**
   * @param options as {@link Agent} takes them
   * @return the JVM's option
   */
  static String option(Path directory, String options) throws IOException {
    Path jar = Files.createDirectories(directory).toAbsolutePath().resolve("agent.jar");
    if (!Files.exists(jar)) {
      pack(jar);
    }
    return "-javaagent:" + jar + "=" + options;
  }

  private static void pack(Path jar) throws IOException {
    Manifest manifest = new Manifest();
    Attributes attributes = manifest.getMainAttributes();
    attributes.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    attributes.putValue("Premain-Class", Agent.class.getName());
    attributes.putValue("Can-Retransform-Classes", "true");
    attributes.put(Attributes.Name.CLASS_PATH, byteBuddy());
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
      for (String name : CLASSES) {
        String entry = "torture/agent/" + name + ".class";
        out.putNextEntry(new JarEntry(entry));
        try (InputStream in = AgentJar.class.getResourceAsStream("/" + entry)) {
          in.transferTo(out);
        }
        out.closeEntry();
      }
    }
  }

  private static String byteBuddy() throws IOException {
    try {
      return ByteBuddy.class.getProtectionDomain().getCodeSource().getLocation().toURI().toString();
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
  }
}
