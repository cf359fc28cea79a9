-- A change of one bucket, together with what it settles. `change(keys, args)` is defined above.
-- KEYS: cursor, inbox, then those of the change.
-- ARGV: place (empty: nothing to settle), epoch, floor, next offset, event, then those of the change.

local place, epoch, floor, next_offset, event = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local reached = 0

local function reach()
  if reached < tonumber(next_offset) then
    redis.call('HSET', KEYS[1], place .. '|next', next_offset)
  end
end

if place ~= '' then
  local cursor = redis.call('HMGET', KEYS[1], place .. '|epoch', place .. '|next')
  reached = tonumber(cursor[2] or 0)
  if cursor[1] ~= epoch or reached < tonumber(floor) then
    return {'lost', ''}
  end
  -- A cursor past the record says that it was settled, not that it had its effect: it may have been parked.
  local applied = reached >= tonumber(next_offset)
  if event ~= '' then
    applied = redis.call('ZSCORE', KEYS[2], event)
  end
  if applied then
    reach()
    return {'applied', ''}
  end
end

local verdict = change({unpack(KEYS, 3)}, {unpack(ARGV, 6)})
if verdict == 'conflict' then
  return {'conflict', ''}
end

if place ~= '' then
  reach()
  if event ~= '' then
    redis.call('ZADD', KEYS[2], text(micros()), event)
  end
end
return {'done', verdict}
