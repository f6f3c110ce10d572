-- KEYS: o m r. ARGV: reservation, ttl, invited (0 or 1), participants.
local o = redis.call('HMGET', KEYS[1], 'e', 'n', 'u', 'rs', 'rl', 'rh')
if not o[4] then return { MISSING } end
local t, e, n, u = now(), num(o[1]), o[2] or '', num(o[3])
local places, taken = {}, redis.call('HLEN', KEYS[2])
local function take(id)
  if not places[id] and redis.call('HEXISTS', KEYS[2], id) == 0 then taken = taken + 1 end
  places[id] = true
end
local found = false
local all = redis.call('HGETALL', KEYS[3])
for i = 1, #all, 2 do
  local ends, ids = string.match(all[i + 1], '^(%d+)(.*)')
  if tonumber(ends) <= t then
    redis.call('HDEL', KEYS[3], all[i])
  else
    found = found or all[i] == ARGV[1]
    for id in string.gmatch(ids, '%S+') do take(id) end
  end
end
if found then return refused(OK, e, n, u, t) end
local invited, member = ARGV[3] == '1', true
for i = 4, #ARGV do member = member and redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1 end
local comes = o[4] == OPEN or invited and (o[4] == SOFTFULL or o[4] == CLAIMED)
if not (comes or member and (o[4] == SOFTFULL or o[4] == HARDFULL)) then return refused(SHUT, e, n, u, t) end
local have = taken
for i = 4, #ARGV do take(ARGV[i]) end
if taken > have and taken > num(invited and o[6] or o[5]) then return refused(FULL, e, n, u, t) end
redis.call('HSET', KEYS[3], ARGV[1], str(t + tonumber(ARGV[2])) .. ' ' .. table.concat(ARGV, ' ', 4))
redis.call('PEXPIRE', KEYS[3], FORGET)
return refused(OK, e, n, u, t)
