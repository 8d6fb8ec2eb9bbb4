-- Alerts that stand: of all processes that see one, the one who enters it tells it, the one who removes it tells its end.
CREATE TABLE IF NOT EXISTS waybill_alert (
  name    VARCHAR(32)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  -- a worker or a host; blank if it concerns all
  scope   VARCHAR(255) NOT NULL DEFAULT '',
  detail  VARCHAR(500) NOT NULL,
  since   DATETIME(6)  NOT NULL,
  seen_at DATETIME(6)  NOT NULL,
  PRIMARY KEY (name, scope)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
