-- Adds a job. ARGV 2 id ('' for the next number), 3 name, 4 data, 5 options as JSON, 6 now in ms, 7 delay in ms, 8 priority (0 for
-- none), 9 whether it goes first, 10 id of its deduplication ('' for none), 11 for how long that lasts in ms ('' until it ends).
-- Result: its id, or that of the job that is there already.
local number = redis.call('INCR', q.id)
local id = ARGV[2] ~= '' and ARGV[2] or text(number)
local key = base .. id
if redis.call('EXISTS', key) == 1 then
  tell('duplicated', id)
  return id
end
if ARGV[10] ~= '' then
  local name = base .. 'de:' .. ARGV[10]
  local fresh
  if ARGV[11] ~= '' then
    fresh = redis.call('SET', name, id, 'PX', ARGV[11], 'NX')
  else
    fresh = redis.call('SET', name, id, 'NX')
  end
  if not fresh then
    local there = redis.call('GET', name)
    tell('deduplicated', there, 'deduplicationId', ARGV[10], 'deduplicatedJobId', id)
    return there
  end
end
enter(id, ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9] == '1',
  ARGV[10] ~= '' and {'deid', ARGV[10]} or {})
return id
