-- The one look a tick: every waiting task that may move, whatever way, or whose time is up; those who go first come first.
-- It locks nothing, and of the tasks that go on waiting it reads the ledger's index and the shop's status, no more.
SELECT j.task_id AS taskId, j.vip AS vip, j.course_url AS courseUrl, t.id AS rowId, t.status AS status,
       t.course_url AS rowUrl, t.order_id AS orderId, TIMESTAMPDIFF(SECOND, j.received_at, UTC_TIMESTAMP(6)) AS waitedSeconds
  FROM ((SELECT w.task_id FROM waybill_job w LEFT JOIN download_tasks s ON s.id = w.task_id
          WHERE w.state = 'waiting' AND w.vip = TRUE
            AND (s.status IS NULL OR s.status NOT IN ('processing', 'pending', 'paid')) LIMIT 1000)
        UNION
        (SELECT w.task_id FROM waybill_job w LEFT JOIN download_tasks s ON s.id = w.task_id
          WHERE w.state = 'waiting' AND w.vip = FALSE
            AND (s.status IS NULL OR s.status NOT IN ('processing', 'pending', 'paid')) LIMIT 1000)
        UNION
        (SELECT task_id FROM waybill_job
          WHERE state = 'waiting' AND vip IN (TRUE, FALSE) AND wait_until <= UTC_TIMESTAMP(6) LIMIT 1000)) m
  JOIN waybill_job j ON j.task_id = m.task_id
  LEFT JOIN download_tasks t ON t.id = j.task_id
 ORDER BY j.vip DESC, j.received_at
