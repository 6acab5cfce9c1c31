-- Write one batch, once. Returns 1 written, 0 there already, -1 another content is there.
-- KEYS recipients, batch; ARGV packed batch, length of its head, index of its account
local head = redis.call('GETRANGE', KEYS[1], 0, ARGV[2] - 1)
if head ~= '' then
  if head == string.sub(ARGV[1], 1, tonumber(ARGV[2])) then return 0 end
  return -1
end
if ARGV[3] ~= '0' then redis.call('HSET', KEYS[2], 'via', ARGV[3]) end
redis.call('SET', KEYS[1], ARGV[1])
return 1
