-- Write a batch whole in which somebody is forgotten, as its owner, and give it up, unless a report came in since it was read.
-- Returns 1 written, 0 a report came in, -1 the batch is another's.
-- KEYS batch, recipients, outcomes, side, reports; ARGV token, head of the reports as read, recipients, outcomes, side, reports
if redis.call('HGET', KEYS[1], 'own') ~= ARGV[1] then return -1 end
if redis.call('GETRANGE', KEYS[5], 0, 4) ~= ARGV[2] then return 0 end
for i = 2, 5 do
  if ARGV[i + 1] ~= '' then redis.call('SET', KEYS[i], ARGV[i + 1]) end
end
redis.call('HDEL', KEYS[1], 'own', 'seq', 'granted')
return 1
