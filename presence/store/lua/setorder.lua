-- KEYS: w f. ARGV: name, stamp (reading and node), lifts, until, order, most
-- orders.
--
-- read splits a field into stamp, lifts and the rest.
local function read(field)
  local stamp = string.match(field, '^[^\n]*')
  local at = #stamp + 2
  return stamp, string.sub(field, at, at + 15), string.sub(field, at + 16)
end

local never = string.rep('0', 16)
local stamp, lifts, rest = ARGV[2], ARGV[3], ARGV[4] .. ARGV[5]
local have = redis.call('HGET', KEYS[2], ARGV[1])
if have then
  local old, lifted, text = read(have)
  if not before(old, stamp) then stamp, rest = old, text end
  if before(lifts, lifted) then lifts = lifted end
elseif redis.call('HLEN', KEYS[2]) > tonumber(ARGV[6]) then -- with the version
  local oldest, least
  local all = redis.call('HGETALL', KEYS[2])
  for i = 1, #all, 2 do
    if all[i] ~= 'v' then
      local s, lifted, text = read(all[i + 1])
      local at, ends, now = string.sub(s, 1, 16), string.sub(text, 1, 16), string.sub(ARGV[2], 1, 16)
      local holds = before(lifted, at) and (ends == never or before(now, ends))
      if not holds and (not oldest or before(at, least) or at == least and before(all[i], oldest)) then
        oldest, least = all[i], at
      end
    end
  end
  if not oldest then return placed(FULL, whereabouts()) end
  redis.call('HDEL', KEYS[2], oldest)
end
local field = stamp .. '\n' .. lifts .. rest
if field ~= have then
  redis.call('HSET', KEYS[2], ARGV[1], field)
  redis.call('HINCRBY', KEYS[2], 'v', 1)
end
return placed(OK, whereabouts())
