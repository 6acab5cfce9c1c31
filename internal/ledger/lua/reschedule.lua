-- Move the time at which a job's sending starts. Returns 1 moved, -1 no such job, -2 completed, -3 cancelled, -4 it has
-- started. KEYS job; ARGV time in milliseconds
if redis.call('HEXISTS', KEYS[1], 'sealed') == 0 then return -1 end
if redis.call('HGET', KEYS[1], 'ctl') == 'cancelled' then return -3 end
if redis.call('HEXISTS', KEYS[1], 'completed') == 1 then return -2 end
if redis.call('HEXISTS', KEYS[1], 'begun') == 1 or tonumber(redis.call('HGET', KEYS[1], 'fed') or 0) > 0 then return -4 end
redis.call('HSET', KEYS[1], 'at', ARGV[1])
return 1
