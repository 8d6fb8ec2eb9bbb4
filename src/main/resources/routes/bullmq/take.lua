-- Takes the next jobs: those that are due and were delayed join the others first.
-- ARGV 2 now in ms, 3 token, 4 lock in ms, 5 worker's name, 6 and 7 limiter: jobs in so many ms ('' for none), 8 most.
-- Result: for each job its id, its hash and the name of the worker that had it before ('' for none); then for how many ms the
-- limit stands (0 for not), when the next delayed job is due in ms (0 for none), and 1 if the queue is paused or has as many
-- active jobs as it may.
local now = tonumber(ARGV[2])
local due = redis.call('ZRANGEBYSCORE', q.delayed, 0, text((now + 1) * 4096 - 1), 'LIMIT', 0, 1000)
for _, id in ipairs(due) do
  redis.call('ZREM', q.delayed, id)
  line_up(id, priority_of(base .. id), false)
  tell('waiting', id, 'prev', 'delayed')
  redis.call('HSET', base .. id, 'delay', 0)
end

local jobs = {}
local most = tonumber(ARGV[8])
local closed = is_paused
if meta[3] then
  most = math.min(most, tonumber(meta[3]) - redis.call('LLEN', q.active))
  closed = closed or most <= 0
end
local limit = tonumber(meta[4] or ARGV[6])
local window = meta[4] and meta[5] or ARGV[7]

local function limited_for()
  if limit and tonumber(redis.call('GET', q.limiter) or '0') >= limit then
    -- In the last millisecond of the window nothing is left of it, and still it is not over.
    return math.max(redis.call('PTTL', q.limiter), 1)
  end
  return 0
end

local pause = limited_for()
while not closed and pause == 0 and #jobs < most do
  local id = redis.call('RPOPLPUSH', q.wait, q.active)
  if not id then
    local first = redis.call('ZPOPMIN', q.prioritized)
    id = first[1]
    if not id then
      redis.call('DEL', q.pc)
      break
    end
    redis.call('LPUSH', q.active, id)
  end
  local key = base .. id
  if redis.call('EXISTS', key) == 0 then
    -- Removed behind the queue's back: there is nothing to work on.
    redis.call('LREM', q.active, 1, id)
  else
    local before = redis.call('HMGET', key, 'defa', 'pb')
    if limit and not before[1] and redis.call('INCR', q.limiter) == 1 then
      redis.call('PEXPIRE', q.limiter, window)
    end
    activate(id, key, key .. ':lock', ARGV[3], ARGV[4], ARGV[5], ARGV[2])
    jobs[#jobs + 1] = {id, redis.call('HGETALL', key), before[2] or ''}
    pause = limited_for()
  end
end
if #jobs > 0 then ring() end
return {jobs, pause, next_due() or 0, closed and 1 or 0}
