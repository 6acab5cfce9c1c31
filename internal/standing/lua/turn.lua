-- Take the turn to probe an account in trouble. Returns 1 when it is the caller's.
-- KEYS record, strikes; ARGV first pause, longest pause, time to forget, in ms
local probe = redis.call('HGET', KEYS[1], 'probe')
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if not probe or tonumber(probe) > now then return 0 end
local n = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('HSET', KEYS[1], 'probe', string.format('%.0f', now + math.min(ARGV[2], ARGV[1] * 2 ^ math.min(n - 1, 20))))
return 1
