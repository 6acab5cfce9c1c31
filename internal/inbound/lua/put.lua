-- Add messages that are not there yet. Returns how many were new.
-- KEYS stream, identifiers seen; ARGV now, before which identifiers are forgotten, how many messages are kept,
--   then for each message its identifier and itself
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2])
local new = 0
for i = 4, #ARGV, 2 do
  if redis.call('ZADD', KEYS[2], 'NX', ARGV[1], ARGV[i]) == 1 then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'm', ARGV[i + 1])
    new = new + 1
  end
end
return new
