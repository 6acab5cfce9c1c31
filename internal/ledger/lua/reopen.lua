-- Note that batches have something to send again. KEYS job, done; ARGV batches
if not redis.call('HGET', KEYS[1], 'sealed') then return -1 end
if redis.call('HGET', KEYS[1], 'ctl') == 'cancelled' then return -3 end
for i = 1, #ARGV do
  if redis.call('SETBIT', KEYS[2], ARGV[i], 0) == 1 then redis.call('HINCRBY', KEYS[1], 'done', -1) end
end
redis.call('HDEL', KEYS[1], 'completed')
return 1
