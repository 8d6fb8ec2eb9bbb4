-- Ends a job. ARGV 2 id, 3 token, 4 now in ms, 5 completed or failed, 6 return value as JSON or reason, 7 stack traces as a JSON
-- list, 8 how many ended jobs are kept (-1 for all), 9 for how many seconds ('' for ever), 10 how many are forgotten at once at
-- most, 11 minutes of metrics ('' for none), 12 the job's attempts, 13 and on: lines that the job's log (KEYS 22) ends with.
-- Result: 0, or -1 no such job, -2 no lock, -3 not active, -4 its children have not ended, -6 somebody else's lock.
local id, key, now, state, value = ARGV[2], KEYS[20], tonumber(ARGV[4]), ARGV[5], ARGV[6]
if state == 'completed' and redis.call('SCARD', key .. ':dependencies') > 0 then return -4 end
local family = redis.call('HMGET', key, 'parentKey', 'parent', 'deid')
-- A user who may not touch the parent's queue is refused here, while nothing has changed yet.
if family[1] then redis.call('EXISTS', family[1]) end
local refused = let_go(id, key, KEYS[21], ARGV[3])
if refused ~= 0 then return refused end
for i = 13, #ARGV do redis.call('RPUSH', KEYS[22], ARGV[i]) end

-- A deduplication that lasts for a time outlives its job.
local function forget_deduplication(of, deduplication)
  if not deduplication then return end
  local name = base .. 'de:' .. deduplication
  if redis.call('GET', name) == of and redis.call('PTTL', name) == -1 then
    redis.call('DEL', name)
  end
end

local function forget(of)
  local job = base .. of
  forget_deduplication(of, redis.call('HGET', job, 'deid'))
  redis.call('DEL', job, job .. ':logs', job .. ':dependencies', job .. ':processed', job .. ':failed', job .. ':unsuccessful')
end

-- A parent that waits for its children goes on.
local function release_parent(parent, parent_key, deferred_failure)
  local other = parent.queueKey
  if redis.call('EXISTS', parent_key) == 0 or redis.call('ZREM', other .. ':waiting-children', parent.id) == 0 then return end
  if deferred_failure then redis.call('HSET', parent_key, 'defa', deferred_failure) end
  local known = redis.call('HMGET', other .. ':meta', 'version', 'paused')
  local stopped = known[2] and true or false
  local priority = priority_of(parent_key)
  if priority > 0 then
    local place = redis.call('INCR', other .. ':pc')
    redis.call('ZADD', other .. ':prioritized', text(priority * 4294967296 + place % 4294967296), parent.id)
  else
    local old = known[1] and string.match(known[1], '^bullmq:5%.')
    redis.call('RPUSH', other .. ((stopped and old) and ':paused' or ':wait'), parent.id)
  end
  if not stopped then redis.call('ZADD', other .. ':marker', 0, '0') end
  redis.call('XADD', other .. ':events', '*', 'event', 'waiting', 'jobId', parent.id, 'prev', 'waiting-children')
end

if family[1] and family[2] then
  local parent_key, parent = family[1], cjson.decode(family[2])
  local function settled()
    return redis.call('SREM', parent_key .. ':dependencies', key) == 1
  end
  local function all_settled()
    return redis.call('SCARD', parent_key .. ':dependencies') == 0
  end
  if state == 'completed' then
    if settled() then
      redis.call('HSET', parent_key .. ':processed', key, value)
      if all_settled() then release_parent(parent, parent_key) end
    end
  elseif parent.fpof then
    if settled() then
      redis.call('ZADD', parent_key .. ':unsuccessful', now, key)
      release_parent(parent, parent_key, 'child ' .. key .. ' failed')
    end
  elseif parent.cpof then
    if settled() then
      redis.call('HSET', parent_key .. ':failed', key, value)
      release_parent(parent, parent_key)
    end
  elseif parent.idof or parent.rdof then
    if settled() then
      if parent.idof then redis.call('HSET', parent_key .. ':failed', key, value) end
      if all_settled() then release_parent(parent, parent_key) end
    end
  end
end

local attempts = redis.call('HINCRBY', key, 'atm', 1)
forget_deduplication(id, family[3])
local keep = tonumber(ARGV[8])
if keep == 0 then
  forget(id)
else
  redis.call('ZADD', q[state], now, id)
  if state == 'completed' then
    redis.call('HSET', key, 'returnvalue', value, 'finishedOn', ARGV[4])
  else
    redis.call('HSET', key, 'failedReason', value, 'finishedOn', ARGV[4])
    if ARGV[7] ~= '' then redis.call('HSET', key, 'stacktrace', ARGV[7]) end
    redis.call('HDEL', key, 'defa')
  end
  local old = {}
  if ARGV[9] ~= '' then
    old = redis.call('ZRANGEBYSCORE', q[state], '-inf', text(now - tonumber(ARGV[9]) * 1000), 'LIMIT', 0, ARGV[10])
  end
  for _, of in ipairs(old) do
    forget(of)
    redis.call('ZREM', q[state], of)
  end
  if keep > 0 then
    local beyond = redis.call('ZREVRANGE', q[state], keep, keep + tonumber(ARGV[10]) - 1)
    for _, of in ipairs(beyond) do
      forget(of)
      redis.call('ZREM', q[state], of)
    end
  end
end

if state == 'completed' then
  tell('completed', id, 'returnvalue', value, 'prev', 'active')
else
  tell('failed', id, 'failedReason', value, 'prev', 'active')
  if attempts >= tonumber(ARGV[12]) then tell('retries-exhausted', id, 'attemptsMade', attempts) end
end

if ARGV[11] ~= '' then
  -- One number a minute, the newest first; the running minute is not among them.
  local metrics = q.metrics[state]
  local before = redis.call('HINCRBY', metrics.count, 'count', 1) - 1
  local seen = redis.call('HMGET', metrics.count, 'prevTS', 'prevCount')
  if not seen[1] then
    redis.call('HSET', metrics.count, 'prevTS', ARGV[4], 'prevCount', 0)
  else
    local size = tonumber(ARGV[11])
    local minutes = math.min(math.floor(now / 60000) - math.floor(tonumber(seen[1]) / 60000), size)
    if minutes > 0 then
      redis.call('LPUSH', metrics.data, before - tonumber(seen[2] or '0'))
      for _ = 2, minutes do redis.call('LPUSH', metrics.data, 0) end
      redis.call('LTRIM', metrics.data, 0, size - 1)
      redis.call('HSET', metrics.count, 'prevCount', before, 'prevTS', ARGV[4])
    end
  end
end

if meta[3] then
  -- There is room for one more: whoever waits idly would not know.
  ring()
end
if redis.call('LLEN', q.wait) == 0 and redis.call('LLEN', q.active) == 0 and redis.call('ZCARD', q.prioritized) == 0 then
  redis.call('XADD', q.events, 'MAXLEN', '~', events_kept, '*', 'event', 'drained')
end
return 0
