-- Write a batch's outcomes and reports whole, as its owner, and give it up, unless a report came in since they were read.
-- Returns 1 written, 0 a report came in, -1 the batch is another's.
-- KEYS batch, outcomes, counters, reports
-- ARGV token, head of the reports as read, outcomes, reports, index of the account, n, n x (counter, change); outcomes are ''
-- when nothing changes
local own = redis.call('HGET', KEYS[1], 'own')
if own ~= ARGV[1] then
  -- Nobody has it, and the reports are those of this very script: its answer was lost.
  if not own and ARGV[4] ~= '' and redis.call('GETRANGE', KEYS[4], 0, 4) == string.sub(ARGV[4], 1, 5) then return 1 end
  return -1
end
if redis.call('GETRANGE', KEYS[4], 0, 4) ~= ARGV[2] then return 0 end
if ARGV[4] ~= '' then
  redis.call('SET', KEYS[2], ARGV[3])
  redis.call('SET', KEYS[4], ARGV[4])
  redis.call('HSET', KEYS[1], 'via', ARGV[5])
  for i = 7, 5 + 2 * ARGV[6], 2 do redis.call('HINCRBY', KEYS[3], ARGV[i], ARGV[i + 1]) end
end
redis.call('HDEL', KEYS[1], 'own', 'seq', 'granted')
return 1
