-- Record what calls established and claim recipients for the next ones, as the owner of a batch, once per seq.
-- Returns {1 when the claims were granted, control}, {-1, control} when the batch is another's or was meanwhile, or
-- {-2, control} when nobody has it. Of a batch whose job was re-routed since it was taken the control is 'moved'.
-- KEYS batch, outcomes, side, counters
-- ARGV token, seq, flags (d ends a draft, r release, c compact), via or -1, offset in side, addition to side, outcomes as they are after
--   this (or ''; only with c), entries for the records, entries for the claims, n, then n x (counter, change) for the
--   records, and then to the end the same for records and claims together; without claims that is left out
local own, seq, granted, via = unpack(redis.call('HMGET', KEYS[1], 'own', 'seq', 'granted', 'via'))
local ctl, from = unpack(redis.call('HMGET', KEYS[4], 'ctl', 'from'))
ctl = ctl or ''
if ctl == '' and from and tonumber(via or 0) < tonumber(from) then ctl = 'moved' end
if own ~= ARGV[1] then
  if own or redis.call('HEXISTS', KEYS[1], 'lost:' .. ARGV[1]) == 1 then return {-1, ctl} end
  return {-2, ctl}
end
if tonumber(seq) >= tonumber(ARGV[2]) then return {tonumber(granted or 0), ctl} end

local flags = ARGV[3]
if string.byte(flags) == 100 then
  flags = string.sub(flags, 2)
  redis.call('HDEL', KEYS[1], 'fired:' .. own, 'draft', 'drafted', 'jot', 'jot.state', 'jot.side', 'jot.at')
end
local entries = ARGV[8]
local first, last = 11, 10 + 2 * tonumber(ARGV[10])
granted = 0
if ctl == '' and ARGV[9] ~= '' then
  entries = entries .. ARGV[9]
  first, last = last + 1, #ARGV
  granted = 1
end
for i = first, last, 2 do redis.call('HINCRBY', KEYS[4], ARGV[i], ARGV[i + 1]) end
if ARGV[7] == '' and entries ~= '' then redis.call('APPEND', KEYS[2], entries) end
local compact = flags == 'rc' or flags == 'c'
local whole = compact and ARGV[5] == '0' and ARGV[6] ~= '' -- nothing of the side was written before
if ARGV[6] ~= '' then
  if whole then redis.call('SET', KEYS[3], ARGV[6]) else redis.call('SETRANGE', KEYS[3], ARGV[5], ARGV[6]) end
end
if ARGV[4] ~= '-1' then redis.call('HSET', KEYS[1], 'via', ARGV[4]) end
if compact then
  -- What grew by pieces has room to spare; what is written whole has none.
  if ARGV[7] ~= '' then redis.call('SET', KEYS[2], ARGV[7]) end
  local x = not whole and redis.call('GET', KEYS[3])
  if x then redis.call('SET', KEYS[3], x) end
end
if flags == 'rc' or flags == 'r' then
  redis.call('HDEL', KEYS[1], 'own', 'seq', 'granted')
else
  redis.call('HSET', KEYS[1], 'seq', ARGV[2], 'granted', granted)
end
return {granted, ctl}
