-- Forgets payments, and names users whose basket has expired, some at a time.
-- KEYS: paid, expiry. ARGV: the latest time to forget, now, how many users. Answers the count forgotten, then users.

local answer = {tostring(redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1]))}
for _, user in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])) do
  answer[#answer + 1] = user
end
return answer
