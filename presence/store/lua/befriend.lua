-- KEYS: a participant's friends. ARGV: stamp, + or -, most friends, friends.
local have, added = redis.call('HLEN', KEYS[1]), {}
local writes = {}
for i = 4, #ARGV do
  local old = redis.call('HGET', KEYS[1], ARGV[i])
  if not old and not added[ARGV[i]] then
    added[ARGV[i]] = true
    have = have + 1
  end
  if not old or before(string.sub(old, 2), ARGV[1]) then table.insert(writes, ARGV[i]) end
end
if have > tonumber(ARGV[3]) then
  local all, on = redis.call('HGETALL', KEYS[1]), {}
  have = 0
  for i = 1, #all, 2 do on[all[i]] = string.sub(all[i + 1], 1, 1) == '+' end
  for _, id in ipairs(writes) do on[id] = ARGV[2] == '+' end
  for _, living in pairs(on) do
    if living then have = have + 1 end
  end
  if have > tonumber(ARGV[3]) then return { FULL } end
  for id, living in pairs(on) do
    if not living then redis.call('HDEL', KEYS[1], id) end
  end
  if ARGV[2] == '-' then return { OK } end
end
for _, id in ipairs(writes) do redis.call('HSET', KEYS[1], id, ARGV[2] .. ARGV[1]) end
return { OK }
