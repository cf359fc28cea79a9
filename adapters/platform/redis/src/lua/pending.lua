-- Reads what waits in the outbox, in order.
-- KEYS: pending, heads, payloads. ARGV: the id before the first, how many. Answers id, head and payload of each.

local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])
local messages = {}
for _, id in ipairs(ids) do
  messages[#messages + 1] = id
  messages[#messages + 1] = redis.call('HGET', KEYS[2], id)
  messages[#messages + 1] = redis.call('HGET', KEYS[3], id)
end
return messages
