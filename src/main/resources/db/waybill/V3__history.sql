-- What did not go straight: failed tries, retries, ends, and what operators did. The times of what went well are in waybill_job.
CREATE TABLE IF NOT EXISTS waybill_history (
  id      BIGINT        NOT NULL PRIMARY KEY AUTO_INCREMENT,
  task_id BIGINT        NOT NULL,
  at      DATETIME(6)   NOT NULL,
  event   VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  stage   VARCHAR(32)   CHARACTER SET ascii COLLATE ascii_bin NULL,
  worker  VARCHAR(255)  NOT NULL,
  -- milliseconds since the try began
  ms      BIGINT        NULL,
  detail  TEXT          NULL,
  KEY waybill_history_task (task_id, id),
  KEY waybill_history_at (at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- What ended lately is asked for by operators and monitors, however many jobs there have been.
SET @wanted = (SELECT COUNT(*) = 0 FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = 'waybill_job' AND index_name = 'waybill_job_finished');
SET @change = IF(@wanted, 'ALTER TABLE waybill_job ADD KEY waybill_job_finished (finished_at)', 'DO 0');
PREPARE change_once FROM @change;
EXECUTE change_once;
DEALLOCATE PREPARE change_once;
