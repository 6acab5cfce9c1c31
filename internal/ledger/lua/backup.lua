-- Notes that a backup of this server is being made, or tells whether what is here comes from one.
-- KEYS: the mark. ARGV: "begin" and the time, "end", or "look".
-- Returns the time of the backup and 1 when this is another server than the one it was made of; nil when there is no mark.
local function server()
	return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
end
if ARGV[1] == 'begin' then
	redis.call('HSET', KEYS[1], 'at', ARGV[2], 'server', server())
	return {ARGV[2], 0}
end
local at = redis.call('HGET', KEYS[1], 'at')
if not at then
	return false
end
if ARGV[1] == 'end' then
	redis.call('DEL', KEYS[1])
	return {at, 0}
end
return {at, redis.call('HGET', KEYS[1], 'server') == server() and 0 or 1}
