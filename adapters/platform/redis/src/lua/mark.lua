-- Marks messages as published. KEYS: pending, published. ARGV: ids.

local now = text(micros())
for _, id in ipairs(ARGV) do
  if redis.call('ZREM', KEYS[1], id) == 1 then
    redis.call('ZADD', KEYS[2], now, id)
  end
end
return #ARGV
