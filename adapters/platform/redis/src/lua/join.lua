-- Counts an owner as alive. KEYS: members. ARGV: owner, time to live. Answers how many are.

local now = micros()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
redis.call('ZADD', KEYS[1], text(now + ARGV[2]), ARGV[1])
return redis.call('ZCARD', KEYS[1])
