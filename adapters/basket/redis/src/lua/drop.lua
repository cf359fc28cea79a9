-- Removes baskets, unless they were changed since they were found to have expired.
-- KEYS: expiry, then baskets. ARGV: now, then their users. Answers how many.

local removed = 0
for i = 2, #KEYS do
  local expires_at = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if expires_at and tonumber(expires_at) <= tonumber(ARGV[1]) then
    redis.call('DEL', KEYS[i])
    redis.call('ZREM', KEYS[1], ARGV[i])
    removed = removed + 1
  end
end
return removed
