-- KEYS: o m. ARGV: epoch, node, seq, full (0 or 1), PUBLISH or SPUBLISH,
-- channel, delta, n; then n times participant, stamp, presence; then who is gone.
local o = redis.call('HMGET', KEYS[1], 'e', 'n', 'u', 'q', 'rs')
local e, n = num(o[1]), o[2] or ''
if not owned(e, n) then return refused(FENCED, e, n, num(o[3]), now()) end
if tonumber(ARGV[3]) <= num(o[4]) then return { OK, o[4] } end
if o[5] == CLOSED then
  redis.call(ARGV[5], ARGV[6], ARGV[7])
  return { OK, o[4] }
end
redis.call('HSET', KEYS[1], 'q', ARGV[3])
local count = tonumber(ARGV[8])
local last = 8 + 3 * count
if ARGV[4] == '1' then
  local kept = {}
  for i = 9, last, 3 do kept[ARGV[i]] = true end
  for _, id in ipairs(redis.call('HKEYS', KEYS[2])) do
    if not kept[id] then redis.call('HDEL', KEYS[2], id) end
  end
end
for i = last + 1, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
for i = 9, last, 3 do
  local have = redis.call('HGET', KEYS[2], ARGV[i])
  if not have or not before(ARGV[i + 1], string.match(have, '^[^\n]*')) then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1] .. '\n' .. ARGV[i + 2])
  end
end
redis.call(ARGV[5], ARGV[6], ARGV[7])
return { OK, ARGV[3] }
