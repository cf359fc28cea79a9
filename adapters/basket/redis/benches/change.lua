local basket, expiry = KEYS[1], KEYS[2]
local user, id, version, created_at, expires_at = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local stored = redis.call('HMGET', basket, 'id', 'version', 'expires_at')
if stored[1] and (stored[1] ~= id or tonumber(stored[2]) ~= version) then
  return 'conflict'
end
redis.call('HSET', basket, 'id', id, 'version', ARGV[3], 'expires_at', expires_at, 'document', ARGV[7])
redis.call('PEXPIRE', basket, ARGV[6])
redis.call('ZADD', expiry, expires_at, user)
return 'saved'
