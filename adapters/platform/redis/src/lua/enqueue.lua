-- Puts messages into the outbox, from ARGV[first] on: head and payload of each.
-- An id is the time in microseconds, made unique: a counter that a failover takes back would give ids again, and a relay
-- would mark a message as published that it has never read.

local function enqueue(last_id, pending, heads, payloads, first)
  local id = math.max(tonumber(redis.call('GET', last_id) or 0) + 1, micros())
  for i = first, #ARGV, 2 do
    local name = text(id)
    redis.call('ZADD', pending, name, name)
    redis.call('HSET', heads, name, ARGV[i])
    redis.call('HSET', payloads, name, ARGV[i + 1])
    redis.call('SET', last_id, name)
    id = id + 1
  end
end

