-- Note an account's trouble. Returns 1 when it is news.
-- KEYS record, strikes; ARGV why, since in ms, code, detail, settings, first pause, longest pause, time to forget, in ms
local why = redis.call('HGET', KEYS[1], 'why')
if why and (why == ARGV[1] or why == 'suspended') then return 0 end
local n = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[8])
local t = redis.call('TIME')
local probe = t[1] * 1000 + math.floor(t[2] / 1000) + math.min(ARGV[7], ARGV[6] * 2 ^ math.min(n - 1, 20))
redis.call('HSET', KEYS[1], 'why', ARGV[1], 'since', ARGV[2], 'code', ARGV[3], 'detail', ARGV[4], 'settings', ARGV[5],
  'probe', string.format('%.0f', probe))
return 1
