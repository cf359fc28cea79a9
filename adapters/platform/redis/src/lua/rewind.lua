-- Moves a position that is ours back, to where a bucket that lost writes still stands.
-- KEYS: position. ARGV: epoch, offset, then per bucket its number and the offset it has.

local held = redis.call('HMGET', KEYS[1], 'epoch', 'next_offset')
if held[1] ~= ARGV[1] then
  return 0
end
-- It may have fallen back meanwhile, and must not be moved on.
if tonumber(ARGV[2]) < tonumber(held[2]) then
  redis.call('HSET', KEYS[1], 'next_offset', ARGV[2])
end
redis.call('HSET', KEYS[1], 'attempts', 0)
for i = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[1], 'bucket:' .. ARGV[i], ARGV[i + 1])
end
return 1
