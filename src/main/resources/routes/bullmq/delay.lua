-- Puts an active job off. ARGV 2 id, 3 token, 4 when it is due in ms, 5 for how many ms that is, 6 reason ('' for none: no attempt
-- is counted), 7 stack traces as a JSON list.
-- Result: 0, or -1 no such job, -2 no lock, -3 not active, -6 somebody else's lock.
local id, key = ARGV[2], KEYS[20]
local refused = let_go(id, key, KEYS[21], ARGV[3])
if refused ~= 0 then return refused end
note_failure(key, ARGV[6], ARGV[7])
if ARGV[6] ~= '' then redis.call('HINCRBY', key, 'atm', 1) end
redis.call('HSET', key, 'delay', ARGV[5])
put_off(id, tonumber(ARGV[4]))
return 0
