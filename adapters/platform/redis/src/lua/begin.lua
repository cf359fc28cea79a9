-- Lets a consumer that never was at the partition begin at an offset, before which nothing concerns it.
-- KEYS: position. ARGV: offset. Answers whether it was new.

if redis.call('HSETNX', KEYS[1], 'next_offset', ARGV[1]) == 0 then
  return 0
end
redis.call('HSET', KEYS[1], 'start', ARGV[1])
return 1
