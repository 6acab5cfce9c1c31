-- Reserve the next free moment. Returns how long to wait for it, in microseconds.
-- KEYS next free moment; ARGV interval in microseconds
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local at = tonumber(redis.call('GET', KEYS[1]) or 0)
if at < now then at = now end
redis.call('SET', KEYS[1], string.format('%.0f', at + ARGV[1]), 'PX', math.ceil((at - now + ARGV[1]) / 1000) + 1000)
return at - now
