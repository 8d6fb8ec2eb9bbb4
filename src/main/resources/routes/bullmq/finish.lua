-- Ends a job. ARGV 2 id, 3 token, 4 now in ms, 5 completed or failed, 6 return value as JSON or reason, 7 stack traces as a JSON
-- list, 8 how many ended jobs are kept (-1 for all), 9 for how many seconds ('' for ever), 10 how many are forgotten at once at
-- most, 11 minutes of metrics ('' for none), 12 the job's attempts, 13 how many lines of its log (KEYS 22) are kept ('' for all),
-- 14 and on: lines that the log ends with.
-- Result: 0, or -1 no such job, -2 no lock, -3 not active, -4 its children have not ended, -6 somebody else's lock.
local id, key, now, state, value = ARGV[2], KEYS[20], tonumber(ARGV[4]), ARGV[5], ARGV[6]
if state == 'completed' and redis.call('SCARD', key .. ':dependencies') > 0 then return -4 end
local family = redis.call('HMGET', key, 'parentKey', 'parent', 'deid')
-- A user who may not touch the parent's queue is refused here, while nothing has changed yet.
if family[1] then redis.call('EXISTS', family[1]) end
local refused = let_go(id, key, KEYS[21], ARGV[3])
if refused ~= 0 then return refused end
for i = 14, #ARGV do redis.call('RPUSH', KEYS[22], ARGV[i]) end
if #ARGV >= 14 and ARGV[13] ~= '' then redis.call('LTRIM', KEYS[22], -tonumber(ARGV[13]), -1) end

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

-- Of the jobs that came while this one was active, deduplicated by it, the producer may want the last one.
local function enter_last_of(deduplication)
  local kept = deduplication and base .. 'dn:' .. deduplication
  if not kept or redis.call('EXISTS', kept) == 0 then return end
  local job = redis.call('HMGET', kept, 'name', 'data', 'opts', 'pk', 'pd', 'pdk', 'rjk', 'jid')
  local number = text(redis.call('INCR', q.id))
  local of, opts = job[8] or number, cjson.decode(job[3])
  local rule = opts.de or {}
  if rule.ttl and rule.ttl > 0 and not rule.keepLastIfActive then
    redis.call('SET', base .. 'de:' .. deduplication, of, 'PX', rule.ttl)
  else
    redis.call('SET', base .. 'de:' .. deduplication, of)
  end
  local fields = {'deid', rule.id or deduplication}
  local function add(name, value)
    if value then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  add('parentKey', job[4])
  add('parent', job[4] and job[5])
  add('rjk', job[7])
  enter(of, job[1], job[2], job[3], now, tonumber(opts.delay) or 0, tonumber(opts.priority) or 0, opts.lifo, fields)
  if job[6] then redis.call('SADD', job[6], base .. of) end
  redis.call('DEL', kept)
end

-- A parent goes on, after the delay that it was added with.
local function start_parent(parent, parent_key)
  local other = parent.queueKey
  local known = redis.call('HMGET', other .. ':meta', 'version', 'paused')
  local stopped = known[2] and true or false
  local delay = tonumber(redis.call('HGET', parent_key, 'delay') or '0') or 0
  if delay > 0 then
    redis.call('ZADD', other .. ':delayed', text((now + delay) * 4096), parent.id)
    redis.call('XADD', other .. ':events', '*', 'event', 'delayed', 'jobId', parent.id, 'delay', text(now + delay))
    local first = redis.call('ZRANGE', other .. ':delayed', 0, 0, 'WITHSCORES')
    redis.call('ZADD', other .. ':marker', text(math.floor(tonumber(first[2]) / 4096)), '1')
    return
  end
  local priority = priority_of(parent_key)
  if priority > 0 then
    local place = redis.call('INCR', other .. ':pc')
    redis.call('ZADD', other .. ':prioritized', score_of(priority, place), parent.id)
  else
    redis.call('RPUSH', other .. ':' .. waiting_list(major_of(known[1]), stopped), parent.id)
  end
  if not stopped then redis.call('ZADD', other .. ':marker', 0, '0') end
  redis.call('XADD', other .. ':events', '*', 'event', 'waiting', 'jobId', parent.id, 'prev', 'waiting-children')
end

local function release_parent(parent, parent_key)
  if redis.call('EXISTS', parent_key) == 1 and redis.call('ZREM', parent.queueKey .. ':waiting-children', parent.id) == 1 then
    start_parent(parent, parent_key)
  end
end

-- The parent is to fail when it is taken next: at once if it waits for something, else whenever that is.
local function fail_parent(parent, parent_key)
  if redis.call('EXISTS', parent_key) == 0 or redis.call('HEXISTS', parent_key, 'finishedOn') == 1 then return end
  redis.call('HSET', parent_key, 'defa', 'child ' .. key .. ' failed')
  if redis.call('ZREM', parent.queueKey .. ':waiting-children', parent.id) == 1 then
    start_parent(parent, parent_key)
  elseif redis.call('ZREM', parent.queueKey .. ':delayed', parent.id) == 1 then
    redis.call('HSET', parent_key, 'delay', 0)
    start_parent(parent, parent_key)
  end
end

forget_deduplication(id, family[3])
enter_last_of(family[3])

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
      fail_parent(parent, parent_key)
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
