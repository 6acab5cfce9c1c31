-- Take the turn to probe an account in trouble. Returns 1 when it is the caller's.
-- KEYS record, turn, strikes; ARGV first pause, longest pause, time to forget, in ms
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local n = redis.call('INCR', KEYS[3])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
redis.call('SET', KEYS[2], 1, 'PX', math.floor(math.min(ARGV[2], ARGV[1] * 2 ^ math.min(n - 1, 20))))
return 1
