-- The one look a tick: every waiting task that may move, whatever way, or whose time is up. It locks nothing.
SELECT j.task_id AS taskId, j.vip AS vip, j.course_url AS courseUrl, t.id AS rowId, t.status AS status,
       t.course_url AS rowUrl, t.order_id AS orderId, TIMESTAMPDIFF(SECOND, j.received_at, UTC_TIMESTAMP(6)) AS waitedSeconds
  FROM waybill_job j
  LEFT JOIN download_tasks t ON t.id = j.task_id
 WHERE j.state = 'waiting'
   AND (t.status IS NULL OR t.status NOT IN ('processing', 'pending', 'paid') OR j.wait_until <= UTC_TIMESTAMP(6))
 ORDER BY j.vip DESC, j.received_at
 LIMIT 1000
