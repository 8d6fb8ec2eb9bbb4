-- The shop's table as Waybill reads it, for a try on an empty database.
CREATE TABLE IF NOT EXISTS download_tasks (
  id         BIGINT        NOT NULL PRIMARY KEY AUTO_INCREMENT,
  order_id   BIGINT        NULL,
  email      VARCHAR(255)  NOT NULL,
  course_url VARCHAR(2048) NOT NULL,
  status     VARCHAR(32)   NOT NULL DEFAULT 'pending',
  error_log  MEDIUMTEXT    NULL,
  updated_at DATETIME      NOT NULL DEFAULT CURRENT_TIMESTAMP
);
