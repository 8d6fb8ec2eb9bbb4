-- Gives an active job back to those that wait. ARGV 2 id, 3 token, 4 whether it goes first, 5 reason ('' for none: no attempt is
-- counted), 6 stack traces as a JSON list, 7 how often it had been taken when the caller had it ('' if that is all the same).
-- Result: 0, or -1 no such job, -2 no lock, -3 not active, -6 somebody else's lock.
local id, key = ARGV[2], KEYS[20]
if ARGV[7] ~= '' and redis.call('HGET', key, 'ats') ~= ARGV[7] then return -6 end
local refused = let_go(id, key, KEYS[21], ARGV[3])
if refused ~= 0 then return refused end
note_failure(key, ARGV[5], ARGV[6])
if ARGV[5] ~= '' then redis.call('HINCRBY', key, 'atm', 1) end
-- A job that has failed goes behind those of its priority, also where the last one in goes first.
local priority = priority_of(key)
line_up(id, priority, ARGV[4] == '1' and (priority == 0 or ARGV[5] == ''))
tell('waiting', id, 'prev', 'active')
return 0
