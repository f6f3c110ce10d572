-- KEYS: o m r. ARGV: seed, node, nonce, ttl; record, state, soft, hard.
local o = redis.call('HMGET', KEYS[1], 'e', 'n', 'c', 'u', 'h', 'hu', 'rs', 'fr')
local t, e, n, u = now(), num(o[1]), o[2] or '', num(o[4])
local again = e > 0 and n == ARGV[2] and o[3] == ARGV[3]
if o[7] == CLOSED then return refused(SHUT, e, n, u, t) end
if not again then
  if u > t then return refused(HELD, e, n, u, t) end
  if num(o[6]) > t and o[5] ~= ARGV[2] then return { HELD, str(e), o[5], str(num(o[6]) - t) } end
end
local fresh = num(o[8])
if not again then
  fresh = e == 0 and 1 or 0
  e, n = math.max(e + 1, tonumber(ARGV[1])), ARGV[2]
  redis.call('HSET', KEYS[1], 'e', str(e), 'n', n, 'c', ARGV[3], 'h', '', 'hu', '0', 'q', '0',
    'ro', n, 're', str(e), 'rr', '0', 'fr', fresh, 'tk', '0')
  if o[7] then redis.call('HSET', KEYS[1], 'rs', CLAIMED) end
end
if not o[7] then
  redis.call('HSET', KEYS[1], 'r', ARGV[5], 'rs', ARGV[6], 'rl', ARGV[7], 'rh', ARGV[8])
end
u = t + tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'u', str(u))
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], FORGET) end
local reply = refused(OK, e, n, u, t)
reply[5] = fresh
local r = redis.call('HMGET', KEYS[1], 'q', 'r', 'ro', 're', 'rr', 's')
for i = 1, 6 do reply[5 + i] = r[i] or '' end
reply[12] = redis.call('HVALS', KEYS[2])
reply[13] = redis.call('HGET', KEYS[1], 'rs')
return reply
