-- Note that batches have nothing left to send. Returns {finished batches, all batches, fed batches, 1 when this ended the job,
-- then for each batch the one that the caller is to go on with or 0}, or {} when there is no such job, or it is not sealed.
-- KEYS job, done; ARGV now in milliseconds, then for each batch its number and 1 to be given the next batch that is not on the
-- queue
if redis.call('HEXISTS', KEYS[1], 'batches') == 0 then return {} end
local more = 0
for i = 2, #ARGV, 2 do
  if redis.call('SETBIT', KEYS[2], ARGV[i], 1) == 0 then more = more + 1 end
end
if more > 0 then redis.call('HINCRBY', KEYS[1], 'done', more) end
local v = redis.call('HMGET', KEYS[1], 'done', 'batches', 'fed', 'completed')
local done, all = tonumber(v[1]), tonumber(v[2])
local ended = 0
if done >= all and not v[4] then
  redis.call('HSET', KEYS[1], 'completed', ARGV[1])
  ended = 1
end
local was = tonumber(v[3] or 0)
local fed, reply = was, {done, all, 0, ended}
for i = 3, #ARGV, 2 do
  local following = 0
  if ARGV[i] == '1' and fed > 0 and fed < all then
    following = fed
    fed = fed + 1
  end
  reply[#reply + 1] = following
end
if fed > was then redis.call('HSET', KEYS[1], 'fed', fed) end
reply[3] = fed
return reply
