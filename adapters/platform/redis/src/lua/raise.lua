-- Gives a partition that is ours a higher epoch, since buckets know one that the position forgot.
-- KEYS: position. ARGV: epoch, new epoch.

if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[2])
return 1
