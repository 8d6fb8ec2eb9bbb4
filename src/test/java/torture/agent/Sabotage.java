package torture.agent;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import net.bytebuddy.asm.Advice;

/**
 * What each guard's method is turned into. Public, since the code is copied into the worker's
 * classes.
 */
public final class Sabotage {
  private Sabotage() {}

  /** The method does nothing. */
  public static final class Skip {
    private Skip() {}

    @Advice.OnMethodEnter(skipOn = Advice.OnNonDefaultValue.class)
    public static boolean enter() {
      return true;
    }
  }

  /** Every token may write. */
  public static final class NoFence {
    private NoFence() {}

    @Advice.OnMethodEnter
    public static void enter(@Advice.Argument(value = 1, readOnly = false) String statement) {
      statement = statement.replace("token = ?", "token >= 0 * ?");
    }
  }

  /** Whatever has arrived is enough. */
  public static final class NothingMissing {
    private NothingMissing() {}

    @Advice.OnMethodExit
    public static void exit(@Advice.Return(readOnly = false) List<String> faults) {
      faults = List.of();
    }
  }

  /** Another id on every try. */
  public static final class NewId {
    private NewId() {}

    @Advice.OnMethodExit
    public static void exit(
        @Advice.Return(readOnly = false) String id,
        @Advice.FieldValue("attempts") int attempts,
        @Advice.FieldValue("token") long token) {
      id =
          UUID.nameUUIDFromBytes((id + attempts + token).getBytes(StandardCharsets.UTF_8))
              .toString();
    }
  }
}
