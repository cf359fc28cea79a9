-- Whether a delivery is the one that comes next, and what its bucket and its event are known by.
-- KEYS: position, inbox. ARGV: epoch, expected offset, bucket, event.
-- Answers the bucket's offset and the event's score (empty where it is not remembered), or nothing.

local held = redis.call('HMGET', KEYS[1], 'epoch', 'next_offset', 'bucket:' .. ARGV[3])
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then
  return false
end
local score = ARGV[4] ~= '' and redis.call('ZSCORE', KEYS[2], ARGV[4])
return {held[3] or '0', score or ''}
