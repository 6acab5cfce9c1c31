-- Count a worker among the living. Returns how many there are, and the time in milliseconds. KEYS workers; ARGV worker, milliseconds it lives without another beat
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return {redis.call('ZCARD', KEYS[1]), now}
