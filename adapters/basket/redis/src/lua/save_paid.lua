-- keys: paid, then those of the basket. args: payment, settled at, then those of the basket, where it changed.

local function change(keys, args)
  if redis.call('ZSCORE', keys[1], args[1]) then
    return 'before'
  end
  if #args > 2 and not write({unpack(keys, 2)}, {unpack(args, 3)}) then
    return 'conflict'
  end
  redis.call('ZADD', keys[1], args[2], args[1])
  return 'settled'
end

