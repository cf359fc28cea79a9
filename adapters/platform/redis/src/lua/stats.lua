-- How much waits. KEYS: pending. Answers the count and the first id (empty where there is none).

return {text(redis.call('ZCARD', KEYS[1])), redis.call('ZRANGE', KEYS[1], 0, 0)[1] or ''}
