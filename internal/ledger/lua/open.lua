-- Start the counters of one shard of a sealed job, once. KEYS counters; ARGV queued, rejected
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'queued', ARGV[1], 'rejected', ARGV[2])
end
return 1
