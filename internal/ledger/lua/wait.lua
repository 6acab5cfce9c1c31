-- Note until when recipients of a batch wait. What has passed is dropped, and all of it some time after the last.
-- KEYS wait; ARGV until and now in milliseconds, batch and reason
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[2])
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[3])
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last[2] + 3600000))
return 1
