-- Renews the locks of jobs. KEYS 20 and on: their locks. ARGV 2 token, 3 lock in ms, 4 and on: their ids, in the same order.
-- Result: the ids of those that are not ours.
local lost = {}
for i = 4, #ARGV do
  local lock = KEYS[16 + i]
  if redis.call('GET', lock) == ARGV[2] then
    redis.call('SET', lock, ARGV[2], 'PX', ARGV[3])
    redis.call('SREM', q.stalled, ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
