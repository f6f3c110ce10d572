-- KEYS: o m r. ARGV: epoch, node, reservation, participant, stamp, presence.
local t, e, n, u = now(), owner(KEYS[1])
if not owned(e, n) or u <= t then return refused(FENCED, e, n, u, t) end
local kept = redis.call('HGET', KEYS[3], ARGV[3])
local rest, place, over = {}, false, true
if kept then
  for word in string.gmatch(kept, '%S+') do
    if word == ARGV[4] then place = true else table.insert(rest, word) end
  end
  over = tonumber(rest[1]) <= t
end
local have = redis.call('HGET', KEYS[2], ARGV[4])
if not have and (over or not place) then return refused(MISSING, e, n, u, t) end
if kept and (over or #rest == 1) then
  redis.call('HDEL', KEYS[3], ARGV[3])
elseif place then
  redis.call('HSET', KEYS[3], ARGV[3], table.concat(rest, ' '))
end
if not have or not before(ARGV[5], string.match(have, '^[^\n]*')) then
  redis.call('HSET', KEYS[2], ARGV[4], ARGV[5] .. '\n' .. ARGV[6])
  redis.call('PEXPIRE', KEYS[2], FORGET)
end
return refused(OK, e, n, u, t)
