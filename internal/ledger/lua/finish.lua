-- Note that a batch has nothing left to send. Returns {finished batches, all batches, fed batches, 1 when this ended the job,
-- the batch that the caller is to go on with or 0}, or {} when there is no such job, or it is not sealed.
-- KEYS job, done; ARGV batch, now in milliseconds, 1 to be given the next batch that is not on the queue
if redis.call('HEXISTS', KEYS[1], 'batches') == 0 then return {} end
if redis.call('SETBIT', KEYS[2], ARGV[1], 1) == 0 then redis.call('HINCRBY', KEYS[1], 'done', 1) end
local v = redis.call('HMGET', KEYS[1], 'done', 'batches', 'fed', 'completed')
local done, all = tonumber(v[1]), tonumber(v[2])
local ended = 0
if done >= all and not v[4] then
  redis.call('HSET', KEYS[1], 'completed', ARGV[2])
  ended = 1
end
local fed, following = tonumber(v[3] or 0), 0
if ARGV[3] == '1' and fed > 0 and fed < all then
  following = fed
  fed = fed + 1
  redis.call('HSET', KEYS[1], 'fed', fed)
end
return {done, all, fed, ended, following}
