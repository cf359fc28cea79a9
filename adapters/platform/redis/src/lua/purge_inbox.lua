-- Forgets events handled long ago. KEYS: inbox. ARGV: how long ago, how many at most, the unit of its scores in
-- microseconds, the factor of a unit. Answers how many.

local until_then = math.floor((micros() - ARGV[1]) / ARGV[3]) * ARGV[4] + (ARGV[4] - 1)
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', text(until_then), 'LIMIT', 0, ARGV[2])
if #old > 0 then
  redis.call('ZREM', KEYS[1], unpack(old))
end
return #old
