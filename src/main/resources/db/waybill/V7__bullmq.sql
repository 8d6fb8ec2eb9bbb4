-- Jobs of a BullMQ queue that this ledger answers for.

CREATE TABLE IF NOT EXISTS waybill_bullmq (
  -- <prefix>:<queue>
  queue    VARCHAR(191) COLLATE utf8mb4_bin NOT NULL,
  -- BullMQ's id
  job_id   VARCHAR(191) COLLATE utf8mb4_bin NOT NULL,
  -- several jobs may be about one task: each is told what became of it
  task_id  BIGINT       NOT NULL,
  -- what BullMQ was told last: active, delayed (it waits for the enrolment), failed (it may come back)
  told     VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- who took it: as many as it may work on soon
  owner    VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  told_at  DATETIME(6)  NOT NULL,
  PRIMARY KEY (queue, job_id),
  KEY waybill_bullmq_task (task_id),
  KEY waybill_bullmq_told (told)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- One row: the holder of the locks, the same for all processes of this ledger.
CREATE TABLE IF NOT EXISTS waybill_installation (
  one TINYINT  NOT NULL PRIMARY KEY,
  id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- Whether another attempt could not help: the failure was final, not just the tries used up.
SET @wanted = (SELECT COUNT(*) = 0 FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'waybill_job' AND column_name = 'for_good');
SET @change = IF(@wanted, 'ALTER TABLE waybill_job ADD COLUMN for_good BOOLEAN NOT NULL DEFAULT FALSE', 'DO 0');
PREPARE change_once FROM @change;
EXECUTE change_once;
DEALLOCATE PREPARE change_once;
