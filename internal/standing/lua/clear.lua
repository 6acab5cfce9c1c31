-- Remove an account's record. Returns 1 when there was one. KEYS record, strikes; ARGV 1 to forget the strikes as well
if ARGV[1] == '1' then redis.call('DEL', KEYS[2]) end
return redis.call('DEL', KEYS[1])
