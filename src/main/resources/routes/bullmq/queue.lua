-- What every script begins with: the names of the queue, what its meta says, and what several scripts do.
-- KEYS 1-19: the queue's own keys, in the order below. KEYS 20 and 21: hash and lock of the job that the script is about.
-- ARGV 1: what all keys of the queue begin with. Keys of jobs that only the script finds, of what it forgets and of a job's
-- parent in a flow are built from it or read from the job; on a cluster the prefix holds a hash tag, as BullMQ asks for.
-- Error BULLVERSION, before anything is read or written, where the queue is of a version that is not known here.
local base = ARGV[1]
local q = {
  wait = KEYS[1], active = KEYS[2], prioritized = KEYS[3], delayed = KEYS[4], paused = KEYS[5],
  completed = KEYS[6], failed = KEYS[7], stalled = KEYS[8], stalled_check = KEYS[9], limiter = KEYS[10],
  marker = KEYS[11], meta = KEYS[12], events = KEYS[13], pc = KEYS[14], id = KEYS[15],
  metrics = {
    completed = {count = KEYS[16], data = KEYS[17]},
    failed = {count = KEYS[18], data = KEYS[19]}
  }
}

local meta = redis.call('HMGET', q.meta, 'version', 'paused', 'concurrency', 'max', 'duration', 'opts.maxLenEvents')
local function major_of(version)
  return version and tonumber(string.match(version, '^bullmq:(%d+)%.'))
end
local major = major_of(meta[1])
if meta[1] and major ~= 5 and major ~= 6 then
  return redis.error_reply('BULLVERSION ' .. meta[1])
end
local is_paused = meta[2] and true or false
local events_kept = meta[6] or '10000'
-- Up to 5.x the jobs of a paused queue are in a list of their own, which takes the place of the other one when the queue goes
-- on: what had been put there would be lost. 6.x joins both. Before 5.20 no version was written.
local function waiting_list(version_major, paused)
  return (paused and version_major ~= 6) and 'paused' or 'wait'
end
local waiting = q[waiting_list(major, is_paused)]

local function tell(event, id, ...)
  redis.call('XADD', q.events, 'MAXLEN', '~', events_kept, '*', 'event', event, 'jobId', id, ...)
end

-- Whoever waits idly waits for this.
local function ring()
  if not is_paused then redis.call('ZADD', q.marker, 0, '0') end
end

local function text(number)
  return string.format('%.0f', number)
end

-- Milliseconds at which the first delayed job is due, or nil.
local function next_due()
  local first = redis.call('ZRANGE', q.delayed, 0, 0, 'WITHSCORES')
  return first[2] and math.floor(tonumber(first[2]) / 4096)
end

-- Jobs that are due in the same millisecond keep their order: 4,096 places.
local function put_off(id, due)
  local low = due * 4096
  local last = redis.call('ZREVRANGEBYSCORE', q.delayed, text(low + 4095), text(low), 'WITHSCORES', 'LIMIT', 0, 1)
  local score = last[2] and math.min(tonumber(last[2]) + 1, low + 4095) or low
  redis.call('ZADD', q.delayed, text(score), id)
  tell('delayed', id, 'delay', text(due))
  if not is_paused then redis.call('ZADD', q.marker, text(next_due()), '1') end
end

local function score_of(priority, place)
  return text(priority * 4294967296 + place % 4294967296)
end

-- In front: the next to be taken, among those of its priority.
local function line_up(id, priority, in_front)
  if priority > 0 then
    local place = in_front and 0 or redis.call('INCR', q.pc)
    redis.call('ZADD', q.prioritized, score_of(priority, place), id)
  else
    redis.call(in_front and 'RPUSH' or 'LPUSH', waiting, id)
  end
  ring()
end

-- A job that is new to the queue. fields: more of its hash, as names and values.
local function enter(id, name, data, opts, now, delay, priority, in_front, fields)
  local key = base .. id
  redis.call('HSET', key, 'name', name, 'data', data, 'opts', opts, 'timestamp', text(now), 'delay', text(delay),
    'priority', text(priority), unpack(fields))
  tell('added', id, 'name', name)
  if delay > 0 then
    put_off(id, now + delay)
  else
    line_up(id, priority, in_front and priority == 0)
    tell('waiting', id)
  end
end

local function priority_of(key)
  return tonumber(redis.call('HGET', key, 'priority') or '0') or 0
end

-- The lock is ours, the job is active: both are over. Anything else changes nothing:
-- -1 no such job, -2 no lock, -3 not active, -6 somebody else's lock.
local function let_go(id, key, lock, token)
  if redis.call('EXISTS', key) == 0 then return -1 end
  local holder = redis.call('GET', lock)
  if not holder then return -2 end
  if holder ~= token then return -6 end
  if redis.call('LREM', q.active, -1, id) == 0 then return -3 end
  redis.call('DEL', lock)
  redis.call('SREM', q.stalled, id)
  return 0
end

local function note_failure(key, reason, stacktrace)
  if reason ~= '' then redis.call('HSET', key, 'failedReason', reason, 'stacktrace', stacktrace) end
end

local function activate(id, key, lock, token, lock_ms, name, now)
  redis.call('SET', lock, token, 'PX', lock_ms)
  redis.call('HSET', key, 'processedOn', now)
  if name ~= '' then redis.call('HSET', key, 'pb', name) end
  redis.call('HINCRBY', key, 'ats', 1)
  tell('active', id, 'prev', 'waiting')
end
