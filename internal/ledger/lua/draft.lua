-- Lay the claim of all recipients of a batch down beside it, for later. Returns 1, or 0 when the batch is another's.
-- KEYS batch; ARGV token, entries of the claim, how many recipients, count of firings before the first
if redis.call('HGET', KEYS[1], 'own') ~= ARGV[1] then return 0 end
redis.call('HSETNX', KEYS[1], 'fired:' .. ARGV[1], ARGV[4])
redis.call('HSET', KEYS[1], 'draft', ARGV[2], 'drafted', ARGV[3])
return 1
