-- KEYS: o m.
local o = redis.call('HMGET', KEYS[1], 'e', 'n', 'u', 'q', 'r', 'ro', 're', 'rr', 'rs')
if not o[5] then return { MISSING } end
local reply = refused(OK, num(o[1]), o[2] or '', num(o[3]), now())
reply[5] = 0
for i = 4, 8 do reply[2 + i] = o[i] or '' end
reply[11] = ''
reply[12] = redis.call('HVALS', KEYS[2])
reply[13] = o[9]
return reply
