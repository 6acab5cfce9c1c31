-- Leave of a job what its idempotency key needs. KEYS job; ARGV spec, receipt
if redis.call('HEXISTS', KEYS[1], 'spec') == 0 then return 0 end
redis.call('HSET', KEYS[1], 'gone', 1, 'spec', ARGV[1])
if redis.call('HEXISTS', KEYS[1], 'receipt') == 1 then redis.call('HSET', KEYS[1], 'receipt', ARGV[2]) end
redis.call('HDEL', KEYS[1], 'reason')
return 1
