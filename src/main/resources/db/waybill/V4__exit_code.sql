-- How a program ended, as a number: whoever asks why should not have to read it out of a sentence.
ALTER TABLE waybill_history ADD COLUMN exit_code INT NULL AFTER ms;
