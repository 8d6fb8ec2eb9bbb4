package routes.monitoring;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;

/**
 * Finds many byte strings in one pass (Aho and Corasick's automaton): a number, the state, says how
 * much of which strings the last bytes are.
 */
final class Patterns {
  /** Bytes that are in no pattern are all alike, which keeps the table small. */
  private final int[] kind = new int[256];

  private int kinds = 1;
  private int[] next;
  private int[] depth;
  private int[] found;
  private int states = 1;

  /**
   * @param patterns none of them empty
   */
  Patterns(List<byte[]> patterns) {
    int most = 1;
    for (byte[] pattern : patterns) {
      most += pattern.length;
      for (byte b : pattern) {
        if (kind[b & 0xff] == 0) {
          kind[b & 0xff] = kinds++;
        }
      }
    }
    next = new int[most * kinds];
    depth = new int[most];
    found = new int[most];
    patterns.forEach(this::add);
    link();
    next = Arrays.copyOf(next, states * kinds);
    depth = Arrays.copyOf(depth, states);
    found = Arrays.copyOf(found, states);
  }

  private void add(byte[] pattern) {
    int state = 0;
    for (byte b : pattern) {
      int edge = state * kinds + kind[b & 0xff];
      if (next[edge] == 0) {
        next[edge] = states;
        depth[states] = depth[state] + 1;
        states++;
      }
      state = next[edge];
    }
    found[state] = pattern.length;
  }

  /** From every state, for every byte, to the longest beginning that the last bytes are. */
  private void link() {
    int[] fallback = new int[states];
    Queue<Integer> breadthFirst = new ArrayDeque<>();
    breadthFirst.add(0);
    while (!breadthFirst.isEmpty()) {
      int state = breadthFirst.remove();
      for (int k = 0; k < kinds; k++) {
        int edge = state * kinds + k;
        int shorter = state == 0 ? 0 : next[fallback[state] * kinds + k];
        if (next[edge] == 0) {
          next[edge] = shorter;
        } else {
          fallback[next[edge]] = shorter;
          found[next[edge]] = Math.max(found[next[edge]], found[shorter]);
          breadthFirst.add(next[edge]);
        }
      }
    }
  }

  int next(int state, byte b) {
    return next[state * kinds + kind[b & 0xff]];
  }

  /** Length of the longest pattern that ends here; 0 if none does. */
  int found(int state) {
    return found[state];
  }

  /** How many of the last bytes may be the beginning of a pattern. */
  int depth(int state) {
    return depth[state];
  }

  boolean isIn(byte[] bytes) {
    int state = 0;
    for (byte b : bytes) {
      state = next(state, b);
      if (found[state] > 0) {
        return true;
      }
    }
    return false;
  }
}
