-- Add an entry to a job's history, and let go of what is older than the newest most. Returns the entry's number.
local function note(history, entry, most)
  local n = redis.call('HINCRBY', history, 'n', 1)
  redis.call('HSET', history, n, entry)
  redis.call('HDEL', history, n - most)
  return n
end
