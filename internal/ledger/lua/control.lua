-- Set a job's control word. Returns the number of the entry of its history, 0 it was so already, -1 no such job,
-- -2 completed, -3 cancelled. KEYS job, history; ARGV word or '', reason, entry, how many entries are kept
if not redis.call('HGET', KEYS[1], 'sealed') then return -1 end
local ctl = redis.call('HGET', KEYS[1], 'ctl') or ''
if ctl == ARGV[1] then return 0 end
if ctl == 'cancelled' then return -3 end
if redis.call('HEXISTS', KEYS[1], 'completed') == 1 then return -2 end
redis.call('HSET', KEYS[1], 'ctl', ARGV[1], 'reason', ARGV[2])
return note(KEYS[2], ARGV[3], ARGV[4])
