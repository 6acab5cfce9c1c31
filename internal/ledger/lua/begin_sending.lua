-- Let a scheduled job's sending start, if its time has come, after which it can't be moved any more. Returns {1 when it has
-- started, time}, or {} when there is no such job. The only batch of a job counts as on the queue then. KEYS job; ARGV time by its spec, now, in milliseconds
if redis.call('HEXISTS', KEYS[1], 'spec') == 0 then return {} end
local at = tonumber(redis.call('HGET', KEYS[1], 'at') or ARGV[1])
if redis.call('HEXISTS', KEYS[1], 'begun') == 1 or tonumber(redis.call('HGET', KEYS[1], 'fed') or 0) > 0 then return {1, at} end
if at > tonumber(ARGV[2]) then return {0, at} end
redis.call('HSET', KEYS[1], 'begun', 1)
if redis.call('HGET', KEYS[1], 'batches') == '1' then redis.call('HSET', KEYS[1], 'fed', 1) end
return {1, at}
