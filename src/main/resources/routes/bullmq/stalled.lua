-- Looks for jobs whose worker has gone silent: what is active is marked at one look, and free at the next if it has no lock then.
-- ARGV 2 now in ms, 3 least time between two looks in ms, 4 how often a job may stall, 5 the failure of one that has more often.
-- Result: ids of the jobs that are free again. One that has stalled too often carries that as a failure to whoever takes it next.
if redis.call('SET', q.stalled_check, ARGV[2], 'PX', ARGV[3], 'NX') == false then return {} end
local free = {}
local marked = redis.call('SMEMBERS', q.stalled)
redis.call('DEL', q.stalled)
for _, id in ipairs(marked) do
  local key = base .. id
  if redis.call('EXISTS', key .. ':lock') == 0 and redis.call('LREM', q.active, 1, id) > 0 then
    if redis.call('EXISTS', key) == 1 then
      local scheduler = redis.call('HGET', key, 'rjk')
      -- With a job of a scheduler all that come after it would be gone.
      local of_scheduler = scheduler and redis.call('EXISTS', base .. 'repeat:' .. scheduler) == 1
      if redis.call('HINCRBY', key, 'stc', 1) > tonumber(ARGV[4]) and not of_scheduler then
        redis.call('HSET', key, 'defa', ARGV[5])
      end
      redis.call('RPUSH', waiting, id)
      ring()
      tell('waiting', id, 'prev', 'active')
      tell('stalled', id)
      free[#free + 1] = id
    end
  end
end
for _, id in ipairs(redis.call('LRANGE', q.active, 0, -1)) do redis.call('SADD', q.stalled, id) end
return free
