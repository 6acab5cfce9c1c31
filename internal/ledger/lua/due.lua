-- Take jobs whose time has come, so that nobody else does for a while. Returns each with its time, those first that waited longest.
-- KEYS agenda; ARGV now, when others may take them, how many at most
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[3])
for i = 1, #due, 2 do redis.call('ZADD', KEYS[1], ARGV[2], due[i]) end
return due
