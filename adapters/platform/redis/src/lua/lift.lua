-- Looks whether a bucket is read under an epoch and has all that is known of it. If so, lifts its cursor to the position.
-- KEYS: cursor. ARGV: place, epoch, floor, position. Answers whether it has.

local place = ARGV[1]
local found = redis.call('HMGET', KEYS[1], place .. '|epoch', place .. '|next')
local reached = tonumber(found[2] or 0)
if found[1] ~= ARGV[2] or reached < tonumber(ARGV[3]) then
  return 0
end
if reached < tonumber(ARGV[4]) then
  redis.call('HSET', KEYS[1], place .. '|next', ARGV[4])
end
return 1
