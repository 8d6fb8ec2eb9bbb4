-- What an operator looks for, in one index: a search for any part of it reads the index and none of the rows, which hold
-- payload and manifest and may not fit into memory. Of its columns only the folder changes, once a job. Stored, since
-- indexes on virtual columns are purged differently by each server.
ALTER TABLE waybill_job
  ADD COLUMN found_by VARCHAR(760) GENERATED ALWAYS AS
    (CONCAT_WS(' ', LEFT(email, 255), LEFT(order_id, 32), LEFT(folder, 200), LEFT(course_url, 250))) STORED,
  ADD KEY waybill_job_found_by (found_by);
