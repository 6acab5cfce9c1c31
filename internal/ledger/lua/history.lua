-- Write an entry of a job's history, under its number when it has one. Returns the number, 0 when there is no such job.
-- KEYS job, history; ARGV entry, how many are kept, number or 0
if redis.call('HEXISTS', KEYS[1], 'sealed') == 0 or redis.call('HEXISTS', KEYS[1], 'gone') == 1 then return 0 end
if ARGV[3] == '0' then return note(KEYS[2], ARGV[1], ARGV[2]) end
if redis.call('HEXISTS', KEYS[2], ARGV[3]) == 1 then redis.call('HSET', KEYS[2], ARGV[3], ARGV[1]) end
return tonumber(ARGV[3])
