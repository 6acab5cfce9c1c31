-- Give a job further accounts, and let what is queued go to them. Returns the number of the entry of its history, 0 when the
-- job is not as it was read, -1 no such job, -2 completed, -3 cancelled.
-- KEYS job, history; ARGV spec as it was read, spec, index of the first account that counts, entry, how many entries are kept
if not redis.call('HGET', KEYS[1], 'sealed') then return -1 end
if redis.call('HGET', KEYS[1], 'ctl') == 'cancelled' then return -3 end
if redis.call('HEXISTS', KEYS[1], 'completed') == 1 then return -2 end
if redis.call('HGET', KEYS[1], 'spec') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'spec', ARGV[2], 'from', ARGV[3])
return note(KEYS[2], ARGV[4], ARGV[5])
