-- Moves a position that is ours back, to where a bucket that lost writes still stands.
-- KEYS: position. ARGV: epoch, offset, then per bucket its number and the offset it has.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'next_offset', ARGV[2], 'attempts', 0)
for i = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[1], 'bucket:' .. ARGV[i], ARGV[i + 1])
end
return 1
