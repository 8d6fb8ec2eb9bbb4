package routes.queue;

import java.time.Duration;

/** Whoever fetches work for a route. */
public interface Fetching {
  /** Since it has last asked its queue; zero while it has no thread free to ask. */
  Duration age();

  /** From now on so many threads; one too many ends with what it has in hand. */
  void resize(int threads);
}
