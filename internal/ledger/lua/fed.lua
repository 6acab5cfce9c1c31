-- Move a job's cursor forward: batches below it are on the queue, or about to be put there by who moved it. Returns where it was; the same as
-- asked for when there is no such job. KEYS job; ARGV cursor
local fed = tonumber(redis.call('HGET', KEYS[1], 'fed') or ARGV[1])
if fed < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'fed', ARGV[1]) end
return fed
