-- Record what calls established and claim recipients for the next ones, as the owner of a batch, once per seq.
-- Returns {1 when the claims were granted, control}, {-1, control} when the batch is another's or was meanwhile, or
-- {-2, control} when nobody has it.
-- KEYS batch, outcomes, side, counters
-- ARGV token, seq, bytes of all outcomes, flags (r release, c compact), via or -1, offset in side, addition to side,
--   then for the records and again for the claims: n, n x (counter, change), m, m x (offset, records)
local own, seq, granted = unpack(redis.call('HMGET', KEYS[1], 'own', 'seq', 'granted'))
local ctl = redis.call('HGET', KEYS[4], 'ctl') or ''
if own ~= ARGV[1] then
  if own or redis.call('HEXISTS', KEYS[1], 'lost:' .. ARGV[1]) == 1 then return {-1, ctl} end
  return {-2, ctl}
end
if tonumber(seq) >= tonumber(ARGV[2]) then return {tonumber(granted or 0), ctl} end

local i = 8
local function apply()
  local n = tonumber(ARGV[i])
  i = i + 1
  for _ = 1, n do
    redis.call('HINCRBY', KEYS[4], ARGV[i], ARGV[i + 1])
    i = i + 2
  end
  n = tonumber(ARGV[i])
  i = i + 1
  if n > 0 and redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('SETRANGE', KEYS[2], ARGV[3] - 1, '\0')
  end
  for _ = 1, n do
    redis.call('SETRANGE', KEYS[2], ARGV[i], ARGV[i + 1])
    i = i + 2
  end
  return n
end

apply()
granted = 0
if ctl == '' and apply() > 0 then granted = 1 end
if ARGV[7] ~= '' then redis.call('SETRANGE', KEYS[3], ARGV[6], ARGV[7]) end
if ARGV[5] ~= '-1' then redis.call('HSET', KEYS[1], 'via', ARGV[5]) end
if string.find(ARGV[4], 'c', 1, true) then
  for k = 2, 3 do -- what grew by pieces has room to spare; what is written whole has none
    local v = redis.call('GET', KEYS[k])
    if v then redis.call('SET', KEYS[k], v) end
  end
end
if string.find(ARGV[4], 'r', 1, true) then
  redis.call('HDEL', KEYS[1], 'own', 'seq', 'granted')
else
  redis.call('HSET', KEYS[1], 'seq', ARGV[2], 'granted', granted)
end
return {granted, ctl}
