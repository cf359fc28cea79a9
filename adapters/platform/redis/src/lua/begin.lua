-- Lets a consumer that never was at the partition begin at an offset.
-- KEYS: position. ARGV: offset. Answers whether it was new.

return redis.call('HSETNX', KEYS[1], 'next_offset', ARGV[1])
