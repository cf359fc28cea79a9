-- Writes a basket where the store has the version that was loaded: `false` where it has another.
-- keys: basket, expiry. args: user, id, new version, created at, expires at, life in milliseconds, document.

local function write(keys, args)
  local basket, expiry = keys[1], keys[2]
  local user, id, version, created_at, expires_at = args[1], args[2], tonumber(args[3]), args[4], args[5]
  local stored = redis.call('HMGET', basket, 'id', 'version', 'expires_at')
  if version == 1 then
    -- A new basket replaces one that had expired when it was made.
    if stored[1] and tonumber(stored[3]) > tonumber(created_at) then
      return false
    end
  elseif stored[1] ~= id or tonumber(stored[2]) ~= version - 1 then
    return false
  end
  redis.call('HSET', basket, 'id', id, 'version', args[3], 'expires_at', expires_at, 'document', args[7])
  redis.call('PEXPIRE', basket, args[6])
  redis.call('ZADD', expiry, expires_at, user)
  return true
end

