-- Write a batch's reports whole, unless somebody did since they were read. Returns 1 written, 0 not.
-- KEYS reports, counters; ARGV head of the reports as read, reports, n, n x (counter, change)
if redis.call('GETRANGE', KEYS[1], 0, 4) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
for i = 4, 2 + 2 * ARGV[3], 2 do redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
