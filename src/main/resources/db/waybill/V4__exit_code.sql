-- How a program ended, as a number: whoever asks why should not have to read it out of a sentence.
SET @wanted = (SELECT COUNT(*) = 0 FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'waybill_history' AND column_name = 'exit_code');
SET @change = IF(@wanted, 'ALTER TABLE waybill_history ADD COLUMN exit_code INT NULL AFTER ms', 'DO 0');
PREPARE change_once FROM @change;
EXECUTE change_once;
DEALLOCATE PREPARE change_once;
