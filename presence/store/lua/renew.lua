-- KEYS: o m r. ARGV: epoch, node, ttl.
local o = redis.call('HMGET', KEYS[1], 'e', 'n', 'u', 'h', 'hu', 'tk')
local t, e, n, u = now(), num(o[1]), o[2] or '', num(o[3])
local epoch, taken = tonumber(ARGV[1]), num(o[6])
if not (e == epoch and n == ARGV[2]) then
  if not (e < epoch or e == epoch and before(n, ARGV[2])) then return refused(FENCED, e, n, u, t) end
  taken, e, n = t + tonumber(ARGV[3]), epoch, ARGV[2]
  o[5] = '0'
  redis.call('HSET', KEYS[1], 'e', ARGV[1], 'n', n, 'c', '', 'h', '', 'hu', '0', 'q', '0', 'tk', str(taken))
end
if num(o[5]) > t and o[4] ~= ARGV[2] then return refused(FENCED, e, n, u, t) end
u = t + tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 'u', str(u))
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], FORGET) end
local reply = refused(OK, e, n, u, t)
reply[5] = t < taken and 1 or 0
return reply
