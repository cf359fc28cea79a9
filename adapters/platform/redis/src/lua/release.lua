-- Gives a partition up, in good order or because it can no longer be read under this epoch.
-- KEYS: position. ARGV: epoch, how much to add to it.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'owner', '', 'lease_until', 0, 'attempts', 0)
redis.call('HINCRBY', KEYS[1], 'epoch', ARGV[2])
return 1
