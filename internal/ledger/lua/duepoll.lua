-- Take a job whose time has come, so that nobody else does for a while. Returns it, or nil.
-- KEYS polls; ARGV now, when others may take it
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 1)[1]
if not due then return false end
redis.call('ZADD', KEYS[1], ARGV[2], due)
return due
