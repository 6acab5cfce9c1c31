-- Start the counters of one shard of a sealed job, once. KEYS counters; ARGV queued, rejected
if redis.call('HSETNX', KEYS[1], 'queued', ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'rejected', ARGV[2])
end
return 1
