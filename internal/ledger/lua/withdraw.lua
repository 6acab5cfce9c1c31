-- Cancel a whole batch that nobody holds, and of which nobody was sent to. Returns whether that is done; not when it is another
-- kind of batch.
-- KEYS batch, outcomes, counters; ARGV how many recipients it has, outcomes of the cancelled batch
if redis.call('HEXISTS', KEYS[1], 'own') == 1 then return 0 end
local o = redis.call('GET', KEYS[2])
if o then return o == ARGV[2] and 1 or 0 end -- 1: this very call, whose answer was lost
redis.call('SET', KEYS[2], ARGV[2])
redis.call('HINCRBY', KEYS[3], 'queued', -ARGV[1])
redis.call('HINCRBY', KEYS[3], 'cancelled', ARGV[1])
return 1
