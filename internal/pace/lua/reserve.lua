-- Reserve the next free moment. Returns how long to wait for it, in microseconds.
-- KEYS moments, recipients of the last second, segments of the last second
-- ARGV the second in microseconds, interval between calls or 0, recipients for a second or 0, this call's, the same of segments
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local second = tonumber(ARGV[1])
local v = redis.call('HMGET', KEYS[1], 'last', 'calls', 'r', 's', 'rsum', 'ssum')
local at = math.max(now, tonumber(v[1] or 0), tonumber(v[2] or 0), tonumber(v[3] or 0), tonumber(v[4] or 0))

-- Of what is counted, no second has more than the limit: the moment moves until enough of what came before is a second ago.
local function fit(key, limit, n, sum)
  while true do
    local first = redis.call('LINDEX', key, 0)
    if not first then return 0 end
    local when, count = string.match(first, '^(%d+) (%d+)$')
    if when + second > at and sum + n <= limit then return sum end
    at = math.max(at, when + second)
    sum = sum - count
    redis.call('LPOP', key)
  end
end

local counted = {
  {KEYS[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(v[5] or 0), 'r', 'rsum'},
  {KEYS[3], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(v[6] or 0), 's', 'ssum'},
}
for _, c in ipairs(counted) do
  if c[2] > 0 then c[4] = fit(c[1], c[2], c[3], c[4]) end
end

local latest = at
local function set(field, value) redis.call('HSET', KEYS[1], field, string.format('%.0f', value)) end
set('last', at)
if ARGV[2] ~= '0' then
  latest = at + ARGV[2]
  set('calls', latest)
end
for _, c in ipairs(counted) do
  if c[2] > 0 then
    local next = at + c[3] / c[2] * second
    set(c[5], next)
    set(c[6], c[4] + c[3])
    redis.call('RPUSH', c[1], string.format('%.0f %d', at, c[3]))
    latest = math.max(latest, next)
  end
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, math.ceil((latest - now + second) / 1000) + 1000) end
return math.floor(at - now)
