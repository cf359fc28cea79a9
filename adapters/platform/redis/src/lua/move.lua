-- Moves the position past a record and remembers where its event has its effect.
-- KEYS: position, inbox. ARGV: epoch, expected offset, next offset, event (empty: none to remember),
-- bucket (empty: without effect). Answers whether it was ours to move.

local function move()
  local held = redis.call('HMGET', KEYS[1], 'epoch', 'next_offset')
  if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then
    return 0
  end
  redis.call('HSET', KEYS[1], 'next_offset', ARGV[3], 'attempts', 0)
  local where = 0
  if ARGV[5] ~= '' then
    where = ARGV[5] + 1
    local field = 'bucket:' .. ARGV[5]
    if tonumber(redis.call('HGET', KEYS[1], field) or 0) < tonumber(ARGV[3]) then
      redis.call('HSET', KEYS[1], field, ARGV[3])
    end
  end
  if ARGV[4] ~= '' then
    -- The score has the time in milliseconds and the place in its lowest nine bits.
    redis.call('ZADD', KEYS[2], 'NX', text(math.floor(micros() / 1000) * 512 + where), ARGV[4])
  end
  return 1
end

