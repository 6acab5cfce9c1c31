-- Remove a schedule, if it is as its reader found it. Returns 1 when it was removed, 0 when it is another by now.
-- KEYS schedule, due, history; ARGV name, version as read
if redis.call('HGET', KEYS[1], 'ver') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1], KEYS[3])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
