-- KEYS: o. ARGV: epoch, node, rev, snapshot.
local o = redis.call('HMGET', KEYS[1], 'e', 'n', 'u', 'se', 'sr')
local e, n = num(o[1]), o[2] or ''
if not owned(e, n) then return refused(FENCED, e, n, num(o[3]), now()) end
if e > num(o[4]) or e == num(o[4]) and tonumber(ARGV[3]) > num(o[5]) then
  redis.call('HSET', KEYS[1], 's', ARGV[4], 'se', ARGV[1], 'sr', ARGV[3])
end
return { OK }
