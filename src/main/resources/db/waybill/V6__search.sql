-- A search for a part of an e-mail address or order id reads this index and none of the rows, which hold payload and
-- manifest and may not fit into memory. Neither column changes while a job is under way.
ALTER TABLE waybill_job ADD KEY waybill_job_search (email, order_id);
