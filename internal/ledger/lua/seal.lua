-- Declare a job complete as written. Returns 1 sealed, 0 sealed before alike, -1 sealed before with other content, -2 no such job.
-- KEYS job; ARGV fingerprint of everything, number of batches, receipt
local sealed = redis.call('HGET', KEYS[1], 'sealed')
if sealed then
  if sealed == ARGV[1] then return 0 end
  return -1
end
if redis.call('EXISTS', KEYS[1]) == 0 then return -2 end
redis.call('PERSIST', KEYS[1])
redis.call('HSET', KEYS[1], 'sealed', ARGV[1], 'batches', ARGV[2], 'receipt', ARGV[3], 'done', 0, 'fed', 0)
return 1
