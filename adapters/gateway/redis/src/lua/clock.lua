-- The time of this server, which all gateways share, in whole seconds and nanoseconds.
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]), tonumber(time[2]) * 1000
end
