-- KEYS: o m r. ARGV: epoch, node, heir, ttl of its right, whether to forget (0 or 1).
-- The fifth of the reply is 1 where the lists change.
local t, e, n, u = now(), owner(KEYS[1])
if not owned(e, n) then return { OK } end
if ARGV[5] == '1' then
  for _, places in ipairs(redis.call('HVALS', KEYS[3])) do
    local ends, ids = string.match(places, '^(%d+)(.*)')
    if tonumber(ends) > t and string.match(ids, '%S') then return refused(CONFLICT, e, n, u, t) end
  end
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
  redis.call('HSET', KEYS[1], 'e', str(e + 1))
  redis.call('PEXPIRE', KEYS[1], FORGET)
  return { OK, '0', '', '0', 1 }
elseif u > t then
  local right = ARGV[3] == '' and t or t + tonumber(ARGV[4])
  redis.call('HSET', KEYS[1], 'u', str(t), 'h', ARGV[3], 'hu', str(right))
end
return { OK }
