-- The ledger: what must not be lost. Times are the database's clock.
-- A worker may end between any two statements, and the next one begins this file again: each, in every file here, may be
-- run twice.

CREATE TABLE IF NOT EXISTS waybill_job (
  task_id       BIGINT        NOT NULL PRIMARY KEY,
  order_id      VARCHAR(255)  NULL,
  email         VARCHAR(255)  NOT NULL,
  course_url    VARCHAR(2048) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- SHA-256 of the address as it is compared: two spellings of one course have one key
  course_key    CHAR(64)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  payload       MEDIUMTEXT    NOT NULL,
  vip           BOOLEAN       NOT NULL DEFAULT FALSE,
  -- waiting, ready, running, done, dead, cancelled
  state         VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- the last stage finished: enrolled, downloaded, uploaded, notified, cleaned; NULL before the enrolment
  stage         VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin NULL,
  -- failed tries of the present stage
  attempts      INT           NOT NULL DEFAULT 0,
  -- workers that died with this job in hand, counted from the first one on; begun anew when that is long ago
  crashes       INT           NOT NULL DEFAULT 0,
  first_crash_at DATETIME(6)  NULL,
  -- who holds it while it is running, and the fence: it grows with every claim
  owner         VARCHAR(128)  CHARACTER SET ascii COLLATE ascii_bin NULL,
  token         BIGINT        NOT NULL DEFAULT 0,
  -- where it was claimed last: what has been downloaded is there
  host          VARCHAR(255)  NULL,
  -- until then only that host may claim it
  prefer_until  DATETIME(6)   NULL,
  -- ready, but not rung for: a stage that is held back, or a limit (course, email) that is reached
  hold          VARCHAR(16)   CHARACTER SET ascii COLLATE ascii_bin NULL,
  -- not to be claimed before
  next_at       DATETIME(6)   NULL,
  -- waiting: until when
  wait_until    DATETIME(6)   NULL,
  folder        VARCHAR(1024) COLLATE utf8mb4_bin NULL,
  manifest      LONGTEXT      NULL,
  -- one for every delivery: made anew when a delivered task is delivered again
  delivery_id   CHAR(36)      CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  last_error    TEXT          NULL,
  received_at   DATETIME(6)   NOT NULL,
  enrolled_at   DATETIME(6)   NULL,
  claimed_at    DATETIME(6)   NULL,
  downloaded_at DATETIME(6)   NULL,
  uploaded_at   DATETIME(6)   NULL,
  notified_at   DATETIME(6)   NULL,
  finished_at   DATETIME(6)   NULL,
  updated_at    DATETIME(6)   NOT NULL,
  -- The only one, on what changes rarely: each index is written with every change of its columns.
  KEY waybill_job_state (state)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS waybill_worker (
  id         VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  host       VARCHAR(255) NOT NULL,
  pid        BIGINT       NOT NULL,
  started_at DATETIME(6)  NOT NULL,
  seen_at    DATETIME(6)  NOT NULL,
  -- silent for longer than this, it counts as dead
  lease_ms   BIGINT       NOT NULL,
  -- stopped, or taken for dead; kept for a day, since a message may still turn up in its claimed lists
  gone_at    DATETIME(6)  NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS waybill_hold (
  -- a stage (download, upload, webhook), or queue:<inbox> for one that is paused
  name     VARCHAR(191) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  reason   VARCHAR(255) NOT NULL,
  since    DATETIME(6)  NOT NULL,
  -- then it is over, or one job may try; NULL: until somebody says so
  until_at DATETIME(6)  NULL,
  -- whether one job tries before all others go on
  trial    BOOLEAN      NOT NULL DEFAULT FALSE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
