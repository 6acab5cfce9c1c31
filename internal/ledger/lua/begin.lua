-- Create a job that is still being written, or return the one that has this ID already.
-- KEYS job; ARGV fingerprint of the message and options, spec
local fp = redis.call('HGET', KEYS[1], 'fp')
if fp then
  return {fp, redis.call('HGET', KEYS[1], 'spec'), redis.call('HGET', KEYS[1], 'sealed') or ''}
end
redis.call('HSET', KEYS[1], 'fp', ARGV[1], 'spec', ARGV[2])
return {}
