-- Takes or renews the relay's lease. KEYS: relay. ARGV: owner, time to live.

local held = redis.call('HMGET', KEYS[1], 'owner', 'lease_until')
local now = micros()
if held[1] and held[1] ~= ARGV[1] and tonumber(held[2]) > now then
  return 0
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'lease_until', text(now + ARGV[2]))
return 1
