-- Become the owner of a batch. Returns {1, via, control, recipients, outcomes, side, head of the reports, via before a job that
-- was re-routed took it along}, {0, owner} or {-1} when there is no such batch.
-- KEYS batch, recipients, outcomes, side, counters, reports; ARGV token, token of a dead owner or '', count of firings of a draft
--   before the first
local own, via = unpack(redis.call('HMGET', KEYS[1], 'own', 'via'))
if own and own ~= ARGV[1] and own ~= ARGV[2] then return {0, own} end
local r = redis.call('GET', KEYS[2])
if not r then return {-1} end
if own ~= ARGV[1] then -- a Take that is sent again must not let old commits in again
  redis.call('HSET', KEYS[1], 'own', ARGV[1], 'seq', 0)
  if own then
    redis.call('HSET', KEYS[1], 'lost:' .. own, 1)
    local fired = redis.call('HGET', KEYS[1], 'fired:' .. own)
    if fired then
      if tonumber(fired) > tonumber(ARGV[3]) then -- the draft was claimed, and its commit never came
        local entries, n, jot, state, side, at =
          unpack(redis.call('HMGET', KEYS[1], 'draft', 'drafted', 'jot', 'jot.state', 'jot.side', 'jot.at'))
        redis.call('APPEND', KEYS[3], jot or entries)
        if jot and side ~= '' then redis.call('SETRANGE', KEYS[4], at, side) end
        redis.call('HINCRBY', KEYS[5], 'queued', -n)
        redis.call('HINCRBY', KEYS[5], jot and state or 'sending', n)
      end
      redis.call('HDEL', KEYS[1], 'fired:' .. own, 'draft', 'drafted', 'jot', 'jot.state', 'jot.side', 'jot.at')
    end
  end
end
via = tonumber(via or 0)
local order = redis.call('HMGET', KEYS[5], 'ctl', 'from')
local was, from = via, tonumber(order[2] or 0)
if via < from then
  via = from
  redis.call('HSET', KEYS[1], 'via', via)
end
return {1, via, order[1] or '', r,
  redis.call('GET', KEYS[3]) or '', redis.call('GET', KEYS[4]) or '', redis.call('GETRANGE', KEYS[6], 0, 5), was}
