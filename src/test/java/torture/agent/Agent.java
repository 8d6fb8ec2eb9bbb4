package torture.agent;

import static net.bytebuddy.matcher.ElementMatchers.named;

import java.lang.instrument.Instrumentation;
import java.nio.file.Path;
import java.util.Map;
import net.bytebuddy.agent.builder.AgentBuilder;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.asm.AsmVisitorWrapper;

/**
 * Works on a worker from outside, so that the jar under test is the one that ships: {@code
 * failpoints=<directory>} makes every step of the pipeline a place where it can be halted, fail or
 * hang; {@code sabotage=<guard>} takes one guard away.
 */
public final class Agent {
  /** The guards that can be taken away: name, class, method, and what is done to it. */
  private static final Map<String, Guard> GUARDS =
      Map.of(
          "locks", new Guard("routes.queue.BullLocks", "renew", Sabotage.Skip.class),
          "fence", new Guard("routes.ledger.Ledger", "write", Sabotage.NoFence.class),
          "takeover", new Guard("routes.HousekeepingRoute", "takeOver", Sabotage.Skip.class),
          "manifest",
              new Guard("routes.job.Manifest", "missingFrom", Sabotage.NothingMissing.class),
          "idempotency", new Guard("routes.job.Flight", "deliveryId", Sabotage.NewId.class),
          "orphans",
              new Guard("routes.command.ProgramRunner", "endLeftBehind", Sabotage.Skip.class));

  private record Guard(String type, String method, Class<?> advice) {}

  private Agent() {}

  public static void premain(String options, Instrumentation instrumentation) {
    String[] option = options.split("=", 2);
    if (option[0].equals("failpoints")) {
      Failpoint.watch(Path.of(option[1]));
      Failpoint.steps()
          .forEach(
              (type, methods) ->
                  methods.forEach(
                      method -> weave(instrumentation, type, method, Failpoint.Step.class)));
    } else {
      Guard guard = GUARDS.get(option[1]);
      weave(instrumentation, guard.type(), guard.method(), guard.advice());
    }
  }

  private static void weave(
      Instrumentation instrumentation, String type, String method, Class<?> advice) {
    AsmVisitorWrapper woven = Advice.to(advice).on(named(method));
    new AgentBuilder.Default()
        .with(AgentBuilder.Listener.StreamWriting.toSystemError().withErrorsOnly())
        .disableClassFormatChanges()
        .with(AgentBuilder.RedefinitionStrategy.RETRANSFORMATION)
        .type(named(type))
        .transform((builder, description, loader, module, domain) -> builder.visit(woven))
        .installOn(instrumentation);
  }
}
