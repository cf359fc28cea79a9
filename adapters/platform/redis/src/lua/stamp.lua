-- Marks a bucket as read under a new epoch, unless it has been read under that one or a later one.
-- KEYS: cursor. ARGV: place, epoch. Answers the epoch and the offset found.

local place = ARGV[1]
local found = redis.call('HMGET', KEYS[1], place .. '|epoch', place .. '|next')
if tonumber(found[1] or 0) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], place .. '|epoch', ARGV[2])
end
return {found[1] or '0', found[2] or '0'}
