package routes.ledger;

import java.util.ArrayList;
import java.util.List;

/**
 * The statement that finds the ids of jobs, and its values. It reads indexes alone where it can,
 * since a hundred thousand rows with their payloads and manifests do not fit into memory: those of
 * a buyer or an order are taken from one index, those of a state from another, and the two are
 * joined. Folders and addresses are in no index: they are looked for where nobody is found.
 */
record Search(String ids, List<Object> values, String order, List<Object> orderValues) {
  /**
   * Keeps the servers from melting a list of ids and what is done with it into one scan of rows.
   */
  private static final String APART = " LIMIT 1000000000";

  private static final String ALL = "SELECT task_id FROM waybill_job";

  /** For pages far down: sorting all ids of an index is less than stepping over all rows. */
  private static final String ALL_OF_INDEX =
      "SELECT task_id FROM waybill_job FORCE INDEX (waybill_job_state) WHERE state IN ('"
          + String.join("', '", JobBook.STATES)
          + "')"
          + APART;

  /** How many rows may be stepped over. */
  private static final int NEAR = 1000;

  /** Without the hint the servers go down the rows, the newest first, until a page is full. */
  private static final String OF_STATE =
      "SELECT task_id FROM waybill_job FORCE INDEX (waybill_job_state) WHERE state = ?";

  private static final String OF_BUYER =
      "SELECT task_id FROM waybill_job FORCE INDEX (waybill_job_search)"
          + " WHERE email LIKE ? ESCAPE '!' OR order_id LIKE ? ESCAPE '!' OR task_id = ?";

  private static final String OF_COURSE =
      "SELECT task_id FROM waybill_job WHERE folder COLLATE utf8mb4_unicode_ci LIKE ? ESCAPE '!'"
          + " OR CONVERT(course_url USING utf8mb4) LIKE ? ESCAPE '!' OR task_id = ?";

  private static final String NEWEST = " ORDER BY task_id DESC";

  private static final String EXACT_FIRST = " ORDER BY task_id = ? DESC, task_id DESC";

  /**
   * @param state blank for all
   * @param text blank for all; part of the e-mail address or order id, or the whole of a task id,
   *     which then comes first
   * @param skip how many are not wanted
   */
  static Search of(String state, String text, int skip) {
    if (!text.isBlank()) {
      return matching(OF_BUYER, state, text.strip());
    }
    if (state.isBlank()) {
      return new Search(skip > NEAR ? ALL_OF_INDEX : ALL, List.of(), NEWEST, List.of());
    }
    return new Search(OF_STATE, List.of(state), NEWEST, List.of());
  }

  /** As {@link #of}, by a part of the folder or the address of the course. */
  static Search ofCourse(String state, String text) {
    return matching(OF_COURSE, state, text.strip());
  }

  private static Search matching(String which, String state, String wanted) {
    String part = "%" + wanted.replaceAll("([!%_])", "!$1") + "%";
    long taskId = wanted.matches("\\d{1,18}") ? Long.parseLong(wanted) : -1;
    List<Object> values = new ArrayList<>(List.of(part, part, taskId));
    String ids = "SELECT f.task_id FROM (" + which + APART + ") f";
    if (!state.isBlank()) {
      ids += " JOIN (" + OF_STATE + APART + ") s ON s.task_id = f.task_id";
      values.add(state);
    }
    return new Search(ids, values, EXACT_FIRST, List.of(taskId));
  }
}
