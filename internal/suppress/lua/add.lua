-- Put numbers on a list, but for those that are there already. Returns how many were not.
-- KEYS list, log, meta, why; ARGV name of the list, when (4 bytes), why, the numbers as the log has them,
--   then for each bucket its number, and what is left of each of its numbers in 5 bytes
local why = redis.call('HGET', KEYS[4], ARGV[3])
if not why then
  why = 0
  local n = redis.call('HLEN', KEYS[4])
  if n < 254 then
    why = n + 1
    redis.call('HSET', KEYS[4], ARGV[3], why)
  end
end
local tail = ARGV[2] .. string.char(tonumber(why))

local function there(bucket, rest)
  local from = 1
  while true do
    local at = string.find(bucket, rest, from, true)
    if not at then return false end
    if at % 10 == 1 then return true end
    from = at + 1
  end
end

local added = 0
for i = 5, #ARGV, 2 do
  local bucket = redis.call('HGET', KEYS[1], ARGV[i]) or ''
  local parts = {bucket}
  for k = 1, #ARGV[i + 1], 5 do
    local rest = string.sub(ARGV[i + 1], k, k + 4)
    if not there(bucket, rest) then
      parts[#parts + 1] = rest .. tail
    end
  end
  if #parts > 1 then
    redis.call('HSET', KEYS[1], ARGV[i], table.concat(parts))
    added = added + #parts - 1
  end
end
if added > 0 then
  redis.call('HINCRBY', KEYS[3], 'n:' .. ARGV[1], added)
  local version = redis.call('HINCRBY', KEYS[3], 'version', 1)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', 256, version .. '-0', 'l', ARGV[1], '+', ARGV[4])
end
return added
