-- Remove an account's record. Returns 1 when there was one. KEYS record, turn, strikes; ARGV 1 to forget the strikes as well
local had = redis.call('DEL', KEYS[1], KEYS[2])
if ARGV[1] == '1' then redis.call('DEL', KEYS[3]) end
if had > 0 then return 1 end
return 0
