-- Start the counters of one shard of a sealed job, once; outcomes may have been counted before.
-- KEYS counters; ARGV queued, rejected
if redis.call('HSETNX', KEYS[1], 'open', 1) == 1 then
  redis.call('HINCRBY', KEYS[1], 'queued', ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'rejected', ARGV[2])
end
return 1
