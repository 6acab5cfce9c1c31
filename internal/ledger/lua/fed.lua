-- Move a job's cursor forward: batches below it have been put on the queue. KEYS job; ARGV cursor
local fed = redis.call('HGET', KEYS[1], 'fed')
if fed and tonumber(fed) < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'fed', ARGV[1]) end
return 1
