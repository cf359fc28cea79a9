-- GCRA for one client, as `Quota::decide` has it. The key holds the theoretical arrival time, in nanoseconds: whole
-- seconds and nine digits. That is more than a number here can hold, so all arithmetic is on the distance from now.
--
-- ARGV: interval, tolerance. Answers how far the arrival time lay ahead when the request came: figures follow from that.
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
local seconds, nanos = now()

local function keep(ahead)
  local rest = nanos + ahead
  local arrival = string.format('%.0f%09.0f', seconds + math.floor(rest / 1e9), rest % 1e9)
  redis.call('SET', KEYS[1], arrival, 'PX', string.format('%.0f', math.ceil(ahead / 1e6)))
end

local function ahead()
  local whole, rest = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+)(%d%d%d%d%d%d%d%d%d)$')
  return whole and math.max(0, (whole - seconds) * 1e9 + (rest - nanos)) or 0
end

local before = ahead()
if before > tolerance then
  -- No arrival time is ever that far ahead, so the clock was set back. Nobody is limited for as long as that.
  before = tolerance
  keep(before)
elseif before + interval <= tolerance then
  keep(before + interval)
end
return before
