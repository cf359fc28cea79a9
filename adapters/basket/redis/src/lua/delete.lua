-- Removes a basket that has not expired. keys: basket, expiry. args: user, now.

local function change(keys, args)
  local expires_at = redis.call('HGET', keys[1], 'expires_at')
  if not expires_at or tonumber(expires_at) <= tonumber(args[2]) then
    return 'absent'
  end
  redis.call('DEL', keys[1])
  redis.call('ZREM', keys[2], args[1])
  return 'deleted'
end

