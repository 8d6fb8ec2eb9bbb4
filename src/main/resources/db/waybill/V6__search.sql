-- A search for a part of an e-mail address or order id reads this index and none of the rows, which hold payload and
-- manifest and may not fit into memory. Neither column changes while a job is under way.
SET @wanted = (SELECT COUNT(*) = 0 FROM information_schema.statistics
  WHERE table_schema = DATABASE() AND table_name = 'waybill_job' AND index_name = 'waybill_job_search');
SET @change = IF(@wanted, 'ALTER TABLE waybill_job ADD KEY waybill_job_search (email, order_id)', 'DO 0');
PREPARE change_once FROM @change;
EXECUTE change_once;
DEALLOCATE PREPARE change_once;
