-- Take numbers off a list. Returns how many were there.
-- KEYS list, log, meta; ARGV name of the list, the numbers as the log has them,
--   then for each bucket its number, and what is left of each of its numbers in 5 bytes
local function find(bucket, rest)
  local from = 1
  while true do
    local at = string.find(bucket, rest, from, true)
    if not at or at % 10 == 1 then return at end
    from = at + 1
  end
end

local removed = 0
for i = 3, #ARGV, 2 do
  local bucket = redis.call('HGET', KEYS[1], ARGV[i])
  if bucket then
    local before = #bucket
    for k = 1, #ARGV[i + 1], 5 do
      local at = find(bucket, string.sub(ARGV[i + 1], k, k + 4))
      if at then
        bucket = string.sub(bucket, 1, at - 1) .. string.sub(bucket, at + 10)
      end
    end
    if #bucket == 0 then
      redis.call('HDEL', KEYS[1], ARGV[i])
    elseif #bucket < before then
      redis.call('HSET', KEYS[1], ARGV[i], bucket)
    end
    removed = removed + (before - #bucket) / 10
  end
end
if removed > 0 then
  if redis.call('HINCRBY', KEYS[3], 'n:' .. ARGV[1], -removed) <= 0 then
    redis.call('HDEL', KEYS[3], 'n:' .. ARGV[1])
  end
  local version = redis.call('HINCRBY', KEYS[3], 'version', 1)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', 256, version .. '-0', 'l', ARGV[1], '-', ARGV[2])
end
return removed
