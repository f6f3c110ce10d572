-- KEYS: o m r. ARGV: epoch, node, rev, record, state, soft, hard. The fifth of
-- the reply is 1 where the lists change.
local t, e, n, u = now(), owner(KEYS[1])
if not owned(e, n) then return refused(FENCED, e, n, u, t) end
local o = redis.call('HMGET', KEYS[1], 're', 'rr', 'rs')
local reply = refused(OK, e, n, u, t)
local later = num(o[1]) > e or num(o[1]) == e and num(o[2]) > tonumber(ARGV[3])
if not o[3] or not later and o[3] ~= CLOSED then
  reply[5] = o[3] == ARGV[5] and 0 or 1
  redis.call('HSET', KEYS[1], 'r', ARGV[4], 'ro', ARGV[2], 're', ARGV[1], 'rr', ARGV[3], 'rs', ARGV[5], 'rl', ARGV[6], 'rh', ARGV[7])
  if ARGV[5] == CLOSED then
    redis.call('DEL', KEYS[2], KEYS[3])
    redis.call('HDEL', KEYS[1], 's')
  end
end
redis.call('PEXPIRE', KEYS[1], FORGET)
return reply
