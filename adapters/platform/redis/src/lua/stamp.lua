-- Marks a bucket as read under a new epoch, unless it has been read under that one or a later one, and lifts its cursor
-- to the position where it has all that is known of it.
-- KEYS: cursor. ARGV: place, epoch, floor, position. Answers the epoch and the offset found.

local place = ARGV[1]
local found = redis.call('HMGET', KEYS[1], place .. '|epoch', place .. '|next')
if tonumber(found[1] or 0) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], place .. '|epoch', ARGV[2])
  local reached = tonumber(found[2] or 0)
  if reached >= tonumber(ARGV[3]) and reached < tonumber(ARGV[4]) then
    redis.call('HSET', KEYS[1], place .. '|next', ARGV[4])
  end
end
return {found[1] or '0', found[2] or '0'}
