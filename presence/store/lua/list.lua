-- KEYS: any number of o. Of each: lease left, record, owner, epoch, rev, state;
-- an empty one for what is not there.
local t, reply = now(), {}
for i, key in ipairs(KEYS) do
  local o = redis.call('HMGET', key, 'u', 'r', 'ro', 're', 'rr', 'rs')
  if o[2] then
    reply[i] = { str(math.max(num(o[1]) - t, 0)), o[2], o[3], o[4], o[5], o[6] }
  else
    reply[i] = {}
  end
end
return reply
