-- Change a schedule, if it is as its reader found it. Returns 1 when it was changed, 0 when somebody else did so before.
-- KEYS schedule, due, history
-- ARGV name, version as read or '' when there was none, definition or '' to leave it, state, when to look again,
--   entries for the history
local ver = redis.call('HGET', KEYS[1], 'ver') or ''
if ver ~= ARGV[2] then return 0 end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'def', ARGV[3]) end
redis.call('HSET', KEYS[1], 'state', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'ver', 1)
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1])
for i = 6, #ARGV do redis.call('LPUSH', KEYS[3], ARGV[i]) end
redis.call('LTRIM', KEYS[3], 0, 99)
return 1
