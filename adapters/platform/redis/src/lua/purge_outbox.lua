-- Removes messages published long ago.
-- KEYS: published, heads, payloads. ARGV: how long ago, how many at most. Answers how many.

local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', text(micros() - ARGV[1]), 'LIMIT', 0, ARGV[2])
if #old > 0 then
  redis.call('ZREM', KEYS[1], unpack(old))
  redis.call('HDEL', KEYS[2], unpack(old))
  redis.call('HDEL', KEYS[3], unpack(old))
end
return #old
