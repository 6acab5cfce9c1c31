-- Take the turn, or keep it. Returns 1 when it is the caller's. KEYS turn; ARGV caller, milliseconds it is kept
local own = redis.call('GET', KEYS[1])
if own and own ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
