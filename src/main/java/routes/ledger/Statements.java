package routes.ledger;

/**
 * Every statement about a job. Each says what goes in, in order, and what comes out; all values are
 * bound. Both MySQL and MariaDB take them.
 */
final class Statements {
  /**
   * In: task ids. Out: one row for each; what the shop and the ledger say of the task, NULLs where
   * nothing.
   */
  static String lookUp(int tasks) {
    return """
        SELECT k.id AS asked, t.id AS row_id, t.status, t.course_url AS row_url, t.order_id, j.task_id, j.state,
               j.stage, j.token, j.course_url, j.vip
          FROM (SELECT ? AS id"""
        + " UNION ALL SELECT ?".repeat(tasks - 1)
        + """
        ) k
          LEFT JOIN download_tasks t ON t.id = k.id
          LEFT JOIN waybill_job j ON j.task_id = k.id""";
  }

  /**
   * In, for each: the job, its state and stage, its delivery id, its longest wait in microseconds,
   * its state again. Enters none if one of the tasks has a row.
   */
  static String enter(int jobs) {
    String row =
        """
        (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND,
         IF(? = 'ready', UTC_TIMESTAMP(6), NULL), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))""";
    return """
        INSERT INTO waybill_job (task_id, order_id, email, course_url, course_key, payload, vip, state, stage, delivery_id,
                                 wait_until, enrolled_at, received_at, updated_at) VALUES"""
        + " "
        + row
        + (", " + row).repeat(jobs - 1);
  }

  /**
   * In: the job, its state and stage, a new delivery id if it begins anew, thrice whether it goes
   * on where it stopped, its longest wait in microseconds, its state again, task id and the token
   * that was seen. Out: 1 if the task had ended and now goes on.
   */
  static final String ENTER_AGAIN =
      """
      UPDATE waybill_job
         SET order_id = ?, email = ?, course_url = ?, course_key = ?, payload = ?, hold = NULL, vip = ?, state = ?, stage = ?,
             delivery_id = COALESCE(?, delivery_id), folder = IF(?, folder, NULL), manifest = IF(?, manifest, NULL),
             notified_at = IF(?, notified_at, NULL), attempts = 0, crashes = 0, first_crash_at = NULL, owner = NULL, token = token + 1, next_at = NULL,
             prefer_until = NULL, last_error = NULL,
             wait_until = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, enrolled_at = IF(? = 'ready', UTC_TIMESTAMP(6), NULL),
             received_at = UTC_TIMESTAMP(6), finished_at = NULL, updated_at = UTC_TIMESTAMP(6)
       WHERE task_id = ? AND token = ? AND state IN ('done', 'dead', 'cancelled')""";

  /** In: task id. Out: 1 if it waited and is now ready. */
  static final String ENROL =
      """
      UPDATE waybill_job
         SET state = 'ready', stage = COALESCE(stage, 'enrolled'), enrolled_at = UTC_TIMESTAMP(6), updated_at = UTC_TIMESTAMP(6)
       WHERE task_id = ? AND state = 'waiting'""";

  /** In: task ids. Out: those that wait; they stay as they are until the transaction ends. */
  static String lockWaiting(int tasks) {
    return "SELECT task_id FROM waybill_job WHERE state = 'waiting' AND task_id IN (?"
        + ", ?".repeat(tasks - 1)
        + ") FOR UPDATE";
  }

  /** In: task ids. As {@link #ENROL}, for all of them. */
  static String enrol(int tasks) {
    return ENROL.replace("= ? AND", "IN (?" + ", ?".repeat(tasks - 1) + ") AND");
  }

  /**
   * In: new state, reason, task id. Out: 1 if it waited and has now ended. No other attempt could
   * help: the next one would find the row as this one has left it.
   */
  static final String END_WAITING =
      """
      UPDATE waybill_job SET state = ?, last_error = ?, for_good = TRUE, finished_at = UTC_TIMESTAMP(6), updated_at = UTC_TIMESTAMP(6)
       WHERE task_id = ? AND state = 'waiting'""";

  /**
   * In: owner, host, task id, host, names of the holds of the VIP queue and of the other. Out: 1 if
   * the job is now the owner's.
   */
  static final String CLAIM =
      """
      UPDATE waybill_job
         SET state = 'running', owner = ?, host = ?, token = token + 1, prefer_until = NULL, hold = NULL,
             claimed_at = UTC_TIMESTAMP(6), updated_at = UTC_TIMESTAMP(6)
       WHERE task_id = ? AND state = 'ready' AND (next_at IS NULL OR next_at <= UTC_TIMESTAMP(6))
         AND (prefer_until IS NULL OR prefer_until <= UTC_TIMESTAMP(6) OR host = ?)
         AND NOT EXISTS (SELECT 1 FROM waybill_hold h WHERE h.name = IF(waybill_job.vip, ?, ?))""";

  /**
   * In: as for {@link #CLAIM}, and whether the job goes first, its delivery id. Out: 1 if nobody
   * has had it since it was entered as ready; its token is 1 then.
   */
  static final String CLAIM_AS_ENTERED =
      CLAIM + " AND token = 0 AND stage = 'enrolled' AND vip = ? AND delivery_id = ?";

  /** In: task id, owner. Out: the claimed job. */
  static final String CLAIMED =
      """
      SELECT task_id, token, order_id, email, course_url, course_key, vip, stage, attempts, crashes, folder, manifest,
             delivery_id
        FROM waybill_job WHERE task_id = ? AND owner = ? AND state = 'running'""";

  /** In: folder, manifest, task id, token. */
  static final String DOWNLOADED =
      """
      UPDATE waybill_job
         SET stage = 'downloaded', folder = ?, manifest = ?, attempts = 0, last_error = NULL,
             downloaded_at = UTC_TIMESTAMP(6), updated_at = UTC_TIMESTAMP(6)
       WHERE task_id = ? AND token = ? AND state = 'running'""";

  /** In: manifest, task id, token. */
  static final String MANIFEST =
      """
      UPDATE waybill_job SET manifest = ?, updated_at = UTC_TIMESTAMP(6)
       WHERE task_id = ? AND token = ? AND state = 'running'""";

  private static final String UPLOAD_DONE =
      """
      UPDATE waybill_job j LEFT JOIN download_tasks t ON t.id = j.task_id
         SET j.stage = 'uploaded', j.attempts = 0, j.last_error = NULL, j.uploaded_at = UTC_TIMESTAMP(6),
             j.updated_at = UTC_TIMESTAMP(6), t.status = 'completed', t.updated_at = NOW()""";

  private static final String OF_RUNNING_JOB =
      " WHERE j.task_id = ? AND j.token = ? AND j.state = 'running'";

  /** In: task id, token. Stage and shop status change together or not at all. */
  static final String UPLOADED = UPLOAD_DONE + ", t.error_log = NULL" + OF_RUNNING_JOB;

  /**
   * In and out: as {@link #UPLOADED}, but 0 too if the shop's row holds an earlier error. Writing a
   * TEXT column of the second table costs MariaDB a file for each statement.
   */
  static final String UPLOADED_WITHOUT_ERROR =
      UPLOAD_DONE + OF_RUNNING_JOB + " AND t.error_log IS NULL";

  /** In: task id, token. The webhook's answer is written down with it, if it was not before. */
  static final String DONE =
      """
      UPDATE waybill_job
         SET stage = 'cleaned', state = 'done', owner = NULL, attempts = 0, last_error = NULL,
             notified_at = COALESCE(notified_at, UTC_TIMESTAMP(6)),
             finished_at = UTC_TIMESTAMP(6), updated_at = UTC_TIMESTAMP(6)
       WHERE task_id = ? AND token = ? AND state IN ('running', 'done')""";

  /**
   * In: failed tries, error, a stage that was not written down when it was reached, task id, token.
   */
  static final String TRY_FAILED =
      """
      UPDATE waybill_job
         SET attempts = ?, last_error = ?, stage = COALESCE(?, stage),
             notified_at = IF(stage = 'notified', COALESCE(notified_at, UTC_TIMESTAMP(6)), notified_at),
             updated_at = UTC_TIMESTAMP(6)
       WHERE task_id = ? AND token = ? AND state = 'running'""";

  /**
   * In: error, whether another attempt could not help, error_log of the shop's row, task id, token.
   * Both rows change together or not at all.
   */
  static final String DEAD =
      """
      UPDATE waybill_job j LEFT JOIN download_tasks t ON t.id = j.task_id
         SET j.state = 'dead', j.owner = NULL, j.last_error = ?, j.for_good = ?, j.finished_at = UTC_TIMESTAMP(6), j.updated_at = UTC_TIMESTAMP(6),
             t.status = 'failed', t.error_log = ?, t.updated_at = NOW()
       WHERE j.task_id = ? AND j.token = ? AND j.state IN ('running', 'dead')""";

  /**
   * In: a stage that was not written down when it was reached, pause and preference of the host in
   * microseconds, task id, token. Out: 1 if the job is free again.
   */
  static final String HAND_BACK =
      """
      UPDATE waybill_job
         SET state = 'ready', owner = NULL, stage = COALESCE(?, stage),
             notified_at = IF(stage = 'notified', COALESCE(notified_at, UTC_TIMESTAMP(6)), notified_at),
             next_at = UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND,
             prefer_until = IF(stage IN ('enrolled', 'downloaded'), UTC_TIMESTAMP(6) + INTERVAL ? MICROSECOND, NULL),
             updated_at = UTC_TIMESTAMP(6)
       WHERE task_id = ? AND token = ? AND state = 'running'""";

  /** In: owner. Out: its claims. */
  static final String HELD_BY =
      "SELECT task_id, token FROM waybill_job WHERE owner = ? AND state = 'running'";

  /** In: what it waits for, task id, token. Out: 1 if the job waits in the ledger, as it is. */
  static final String PARK =
      """
      UPDATE waybill_job
         SET state = 'ready', owner = NULL, hold = ?, next_at = NULL, updated_at = UTC_TIMESTAMP(6)
       WHERE task_id = ? AND token = ? AND state = 'running'""";

  /** In: e-mail, task id. Out: how many other jobs of that buyer run. */
  static final String RUNNING_OF_EMAIL =
      "SELECT COUNT(*) FROM waybill_job WHERE state = 'running' AND email = ? AND task_id <> ?";

  /** In: course key, task id. Out: how many other jobs of that course run. */
  static final String RUNNING_OF_COURSE =
      "SELECT COUNT(*) FROM waybill_job WHERE state = 'running' AND course_key = ? AND task_id <> ?";

  /** In: course key, task id. Out: how many others fetch that course now. */
  static final String FETCHING = RUNNING_OF_COURSE + " AND stage IN ('enrolled', 'downloaded')";

  /** In: course key. Out: jobs that wait for somebody else's delivery of the same course. */
  static final String WAITING_FOR_COURSE =
      """
      SELECT task_id, vip, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', received_at) AS received,
             stage <> 'enrolled' AS downloaded
        FROM waybill_job WHERE state = 'ready' AND hold = 'course' AND course_key = ?""";

  /**
   * In: folder, manifest, task id, token. What another buyer's job has delivered is this one's too.
   */
  static final String REUSED =
      """
      UPDATE waybill_job j LEFT JOIN download_tasks t ON t.id = j.task_id
         SET j.stage = 'uploaded', j.folder = ?, j.manifest = ?, j.attempts = 0, j.last_error = NULL,
             j.uploaded_at = UTC_TIMESTAMP(6), j.updated_at = UTC_TIMESTAMP(6),
             t.status = 'completed', t.error_log = NULL, t.updated_at = NOW()
       WHERE j.task_id = ? AND j.token = ? AND j.state = 'running'""";

  /** In: new delivery id, task id, token. The job is free again, with nothing done. */
  static final String START_OVER =
      """
      UPDATE waybill_job
         SET state = 'ready', owner = NULL, stage = 'enrolled', folder = NULL, manifest = NULL, attempts = 0,
             delivery_id = ?,
             next_at = NULL, prefer_until = NULL, updated_at = UTC_TIMESTAMP(6)
       WHERE task_id = ? AND token = ? AND state = 'running'""";

  /**
   * In: age in seconds, limit. Out: tasks that the shop has enrolled and the ledger does not know.
   * Those that have just been enrolled may be on their way.
   */
  static final String UNSEEN =
      """
      SELECT t.id, t.email, t.course_url
        FROM download_tasks t LEFT JOIN waybill_job j ON j.task_id = t.id
       WHERE t.status = 'enrolled' AND j.task_id IS NULL AND t.updated_at <= NOW() - INTERVAL ? SECOND
       ORDER BY t.id LIMIT ?""";

  /**
   * In: task id. Out: its state, and for how many seconds it has ended; no row if the ledger does
   * not know it.
   */
  static final String AGE =
      "SELECT state, TIMESTAMPDIFF(SECOND, finished_at, UTC_TIMESTAMP(6)) FROM waybill_job WHERE task_id = ?";

  /** In: task id, token. Counts 1 if the job is known and does not run under this token. */
  static final String IS_OVER =
      "SELECT COUNT(*) FROM waybill_job WHERE task_id = ? AND NOT (state = 'running' AND token = ?)";

  /**
   * In: error_log, task id. The row of a task that is under way, or has ended, is left alone. A job
   * that has failed before counts as not enrolled from then on: else its {@code failed} could not
   * be told from this one, and its queue would bring it back to life.
   */
  static final String FAIL_SHOP_ROW =
      """
      UPDATE download_tasks t LEFT JOIN waybill_job j ON j.task_id = t.id
         SET t.status = 'failed', t.error_log = ?, t.updated_at = NOW(),
             j.enrolled_at = IF(j.state = 'done', j.enrolled_at, NULL)
       WHERE t.id = ? AND t.status NOT IN ('completed', 'failed')
         AND (j.state IS NULL OR j.state NOT IN ('waiting', 'ready', 'running'))""";

  /**
   * In: task id. For a job that goes on after its upload: whoever set it going again has set the
   * shop's row back too.
   */
  static final String COMPLETE_SHOP_ROW =
      """
      UPDATE download_tasks SET status = 'completed', error_log = NULL, updated_at = NOW()
       WHERE id = ? AND status <> 'completed'""";

  /**
   * In: least age in microseconds, whether a download may begin, names of the holds of the VIP
   * queue and of the other, jobs a course and jobs a buyer may have at once, limit. Out: jobs that
   * are ready but may have lost their ring, or that waited for something which is over; first those
   * who make room, and those who go first. Jobs of a paused queue would hide the others.
   */
  static final String UNRUNG =
      """
      SELECT j.task_id, j.vip, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', j.received_at) AS received,
             j.stage <> 'enrolled' AS downloaded
        FROM waybill_job j LEFT JOIN waybill_hold h ON h.name = j.hold
       WHERE j.state = 'ready' AND j.updated_at <= UTC_TIMESTAMP(6) - INTERVAL ? MICROSECOND
         AND (j.next_at IS NULL OR j.next_at <= UTC_TIMESTAMP(6))
         AND (? OR j.stage <> 'enrolled')
         AND h.name IS NULL
         AND NOT EXISTS (SELECT 1 FROM waybill_hold q WHERE q.name = IF(j.vip, ?, ?))
         AND (j.hold IS NULL OR j.hold <> 'course'
              OR (SELECT COUNT(*) FROM waybill_job r WHERE r.state = 'running' AND r.course_key = j.course_key) < ?)
         AND (j.hold IS NULL OR j.hold <> 'email'
              OR (SELECT COUNT(*) FROM waybill_job r WHERE r.state = 'running' AND r.email = j.email) < ?)
       ORDER BY j.stage = 'enrolled', j.vip DESC, j.updated_at LIMIT ?""";

  /**
   * In: names of the holds of the VIP queue and of the other. Out: for each stage whose hold is
   * over, one job that waits for it and can be claimed: it may try. The one that has waited longest
   * since its last try: always the same one, if it is hopeless, would keep the stage closed.
   */
  static final String PROBE =
      """
      SELECT j.task_id, j.vip, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', j.received_at) AS received,
             j.stage <> 'enrolled' AS downloaded
        FROM waybill_hold h JOIN waybill_job j ON j.task_id =
             (SELECT w.task_id FROM waybill_job w
               WHERE w.hold = h.name AND w.state = 'ready' AND (w.prefer_until IS NULL OR w.prefer_until <= UTC_TIMESTAMP(6))
                 AND NOT EXISTS (SELECT 1 FROM waybill_hold q WHERE q.name = IF(w.vip, ?, ?))
               ORDER BY w.updated_at, w.task_id LIMIT 1)
       WHERE h.until_at <= UTC_TIMESTAMP(6)""";

  private Statements() {}
}
