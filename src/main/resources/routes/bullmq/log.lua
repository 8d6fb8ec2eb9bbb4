-- Adds lines to a job's log. KEYS 22: the log. ARGV 2 id, 3 how many lines are kept ('' for all), 4 and on: the lines.
-- Result: how many there are, or -1 for no such job.
if redis.call('EXISTS', KEYS[20]) == 0 then return -1 end
for i = 4, #ARGV do redis.call('RPUSH', KEYS[22], ARGV[i]) end
if ARGV[3] ~= '' then redis.call('LTRIM', KEYS[22], -tonumber(ARGV[3]), -1) end
return redis.call('LLEN', KEYS[22])
