package demo;

import java.util.LinkedHashMap;
import java.util.Map;

/** One task of the demo: what it is there for, what should become of it, and what has. */
final class Task {
  final long id;
  final String story;
  final String course;
  final String expected;
  String state = "pushed";
  String stage = "";
  int percent = -1;
  String why = "";
  int duplicates;
  int retries;
  final Map<String, Long> millis = new LinkedHashMap<>();

  /**
   * @param expected the shop's status at the end
   */
  Task(long id, String story, String course, String expected) {
    this.id = id;
    this.story = story;
    this.course = course;
    this.expected = expected;
  }

  String folder() {
    return "Khoá học " + course;
  }

  boolean ended() {
    return state.equals("delivered") || state.equals("failed");
  }
}
