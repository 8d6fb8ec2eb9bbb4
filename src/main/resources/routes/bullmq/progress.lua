-- Says how far a job is. ARGV 2 id, 3 progress as JSON. Result: 0, or -1 for no such job.
if redis.call('EXISTS', KEYS[20]) == 0 then return -1 end
redis.call('HSET', KEYS[20], 'progress', ARGV[3])
tell('progress', ARGV[2], 'data', ARGV[3])
return 0
