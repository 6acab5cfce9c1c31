-- Create a job that is still being written, or return the one that has this ID already.
-- KEYS job; ARGV fingerprint of the message and options, spec, idempotency key or '', milliseconds it is kept unless it is sealed
local fp = redis.call('HGET', KEYS[1], 'fp')
if fp then
  return {fp, redis.call('HGET', KEYS[1], 'spec'), redis.call('HGET', KEYS[1], 'sealed') or ''}
end
redis.call('HSET', KEYS[1], 'fp', ARGV[1], 'spec', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'key', ARGV[3]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {}
