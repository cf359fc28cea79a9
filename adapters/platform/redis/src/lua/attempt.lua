-- Counts one more try of the record at the position.
-- KEYS: position. ARGV: epoch, expected offset. Answers the count, or nothing where it is not ours to try.

local held = redis.call('HMGET', KEYS[1], 'epoch', 'next_offset')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then
  return false
end
return redis.call('HINCRBY', KEYS[1], 'attempts', 1)
