-- KEYS: r. ARGV: reservation, participants; without them all.
local kept = redis.call('HGET', KEYS[1], ARGV[1])
if not kept then return { OK } end
local rest, gone = {}, {}
for i = 2, #ARGV do gone[ARGV[i]] = true end
for word in string.gmatch(kept, '%S+') do
  if not gone[word] then table.insert(rest, word) end
end
if #ARGV == 1 or #rest == 1 then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], table.concat(rest, ' '))
end
return { OK }
