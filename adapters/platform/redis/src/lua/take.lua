-- Takes a partition that is free, ours, or whose lease ran out.
-- KEYS: position. ARGV: owner, time to live. Answers all of the position, or nothing.

local held = redis.call('HMGET', KEYS[1], 'owner', 'lease_until')
local now = micros()
if held[1] and held[1] ~= '' and held[1] ~= ARGV[1] and tonumber(held[2]) > now then
  return false
end
redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'lease_until', text(now + ARGV[2]))
redis.call('HSETNX', KEYS[1], 'next_offset', 0)
redis.call('HSETNX', KEYS[1], 'attempts', 0)
return redis.call('HGETALL', KEYS[1])
