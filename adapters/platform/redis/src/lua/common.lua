-- What all scripts share. Times are microseconds of the server's clock, and a double holds each of them exactly.

local function micros()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- Lua itself would write a large number with an exponent.
local function text(number)
  return string.format('%.0f', number)
end

