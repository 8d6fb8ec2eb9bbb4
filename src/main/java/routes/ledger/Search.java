package routes.ledger;

import java.util.ArrayList;
import java.util.List;

/**
 * The statement that finds the ids of jobs, and its values. It reads indexes alone, since a hundred
 * thousand rows with their payloads and manifests do not fit into memory: found by a part of a
 * text, they are taken from one index, those of a state from another, and the two are joined.
 */
record Search(String ids, List<Object> values, String order) {
  private static final String ALL = "SELECT task_id FROM waybill_job";

  /** Without the hint the servers go down the rows, the newest first, until a page is full. */
  private static final String OF_STATE =
      "SELECT task_id FROM waybill_job FORCE INDEX (waybill_job_state) WHERE state = ?";

  private static final String MATCHING =
      "SELECT task_id FROM waybill_job FORCE INDEX (waybill_job_found_by)"
          + " WHERE found_by LIKE ? ESCAPE '!' OR task_id = ?";

  /**
   * Keeps the servers from melting a list of ids and what is done with it into one scan of rows.
   */
  private static final String APART = " LIMIT 1000000000";

  private static final String NEWEST = " ORDER BY task_id DESC";

  /**
   * @param state blank for all
   * @param text part of the e-mail address, order id, folder or address of the course, or the whole
   *     of a task id, which then comes first; blank for all
   */
  static Search of(String state, String text) {
    List<Object> values = new ArrayList<>();
    if (text.isBlank()) {
      if (state.isBlank()) {
        return new Search(ALL, values, NEWEST);
      }
      values.add(state);
      return new Search(OF_STATE, values, NEWEST);
    }
    String wanted = text.strip();
    long taskId = wanted.matches("\\d{1,18}") ? Long.parseLong(wanted) : -1;
    values.add("%" + wanted.replaceAll("([!%_])", "!$1") + "%");
    values.add(taskId);
    String ids = "SELECT f.task_id FROM (" + MATCHING + APART + ") f";
    if (!state.isBlank()) {
      ids += " JOIN (" + OF_STATE + APART + ") s ON s.task_id = f.task_id";
      values.add(state);
    }
    return new Search(ids, values, " ORDER BY task_id = " + taskId + " DESC, task_id DESC");
  }
}
