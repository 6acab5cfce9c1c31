-- Change the state of a batch's recipients that nobody is sending to. Returns how many changed, by their old state in the
-- order asked for; or {-1} when the batch has an owner.
-- KEYS batch, outcomes, counters; ARGV number of recipients, length of a record, new state (number), its name, offset in a
--   record, what is written there, n, n x (old state (number), its name)
if redis.call('HEXISTS', KEYS[1], 'own') == 1 then return {-1} end
local n, len, offset, patch = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[5]), ARGV[6]
local o = redis.call('GET', KEYS[2]) or string.rep('\0', n * len)
local new, counts, old = string.char(tonumber(ARGV[3])), {}, {}
for k = 1, tonumber(ARGV[7]) do
  counts[k] = 0
  old[tonumber(ARGV[6 + 2 * k])] = k
end
local out, from, total = {}, 1, 0
for i = 0, n - 1 do
  local at = i * len + 1
  local k = old[string.byte(o, at)]
  if k then
    counts[k] = counts[k] + 1
    total = total + 1
    out[#out + 1] = string.sub(o, from, at - 1) .. new .. string.sub(o, at + 1, at + offset - 1) .. patch
    from = at + offset + #patch
  end
end
if total == 0 then return counts end
out[#out + 1] = string.sub(o, from)
redis.call('SET', KEYS[2], table.concat(out))
for k = 1, #counts do
  if counts[k] > 0 then redis.call('HINCRBY', KEYS[3], ARGV[7 + 2 * k], -counts[k]) end
end
redis.call('HINCRBY', KEYS[3], ARGV[4], total)
return counts
