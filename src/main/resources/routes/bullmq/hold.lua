-- Makes a job active under our lock, wherever it waits: one that was put off and may go on, one whose lock has run out.
-- ARGV 2 id, 3 token, 4 lock in ms, 5 worker's name, 6 now in ms, 7 whether one that has failed is set going again.
-- Result: 1 it is ours; -1 no such job, -3 it has ended, -6 somebody else's.
local id, key, lock, token = ARGV[2], KEYS[20], KEYS[21], ARGV[3]
if redis.call('EXISTS', key) == 0 then return -1 end
local parent = ARGV[7] == '1' and redis.call('HGET', key, 'parentKey')
-- A user who may not touch the parent's queue is refused here, while nothing has changed yet.
local parent_there = parent and redis.call('EXISTS', parent) == 1
local holder = redis.call('GET', lock)
if holder and holder ~= token then return -6 end
redis.call('SREM', q.stalled, id)
for _, active in ipairs(redis.call('LRANGE', q.active, 0, -1)) do
  if active == id then
    redis.call('SET', lock, token, 'PX', ARGV[4])
    return 1
  end
end
if redis.call('ZREM', q.delayed, id) == 1 then
  redis.call('HSET', key, 'delay', 0)
  tell('waiting', id, 'prev', 'delayed')
elseif ARGV[7] == '1' and redis.call('ZREM', q.failed, id) == 1 then
  redis.call('HDEL', key, 'finishedOn', 'processedOn', 'failedReason')
  if parent_there
      and (redis.call('ZREM', parent .. ':unsuccessful', key) == 1 or redis.call('HDEL', parent .. ':failed', key) == 1) then
    redis.call('SADD', parent .. ':dependencies', key)
  end
  tell('waiting', id, 'prev', 'failed')
elseif redis.call('LREM', q.wait, 1, id) == 0 and redis.call('LREM', q.paused, 1, id) == 0
    and redis.call('ZREM', q.prioritized, id) == 0 then
  return -3
end
redis.call('LPUSH', q.active, id)
activate(id, key, lock, token, ARGV[4], ARGV[5], ARGV[6])
return 1
