-- Renews a lease and answers what the next few buckets are known to have, so that they can be looked at.
-- KEYS: position. ARGV: epoch, time to live, how many buckets.
-- Answers the next offset, the first bucket's number and the offsets, all of one moment.

local held = redis.call('HMGET', KEYS[1], 'epoch', 'next_offset')
if held[1] ~= ARGV[1] then
  return false
end
redis.call('HSET', KEYS[1], 'lease_until', text(micros() + ARGV[2]))
local count = tonumber(ARGV[3])
local first = (redis.call('HINCRBY', KEYS[1], 'looked_at', count) - count) % 256
local answer = {held[2], text(first)}
for i = 0, count - 1 do
  answer[#answer + 1] = redis.call('HGET', KEYS[1], 'bucket:' .. text((first + i) % 256)) or '0'
end
return answer
