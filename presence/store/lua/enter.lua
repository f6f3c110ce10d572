-- KEYS: head, entries, numbers, ends. ARGV: publish command, channel, most
-- entries, how long the docket is kept, and of each entry id, ms, data.
local t = now()
local function drop(ids)
  for _, id in ipairs(ids) do
    redis.call('HDEL', KEYS[2], id)
    redis.call('ZREM', KEYS[3], id)
    redis.call('ZREM', KEYS[4], id)
  end
end
drop(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', str(t), 'LIMIT', 0, 500))
local head = redis.call('HMGET', KEYS[1], 'q', 's')
local seq, sum = num(head[1]), head[2] or ''
for i = 5, #ARGV, 3 do
  local id, ends = ARGV[i], t + tonumber(ARGV[i + 1])
  local have = redis.call('ZSCORE', KEYS[4], id)
  if have then
    if tonumber(have) < ends then redis.call('ZADD', KEYS[4], str(ends), id) end
  else
    local was = sum
    seq, sum = seq + 1, redis.sha1hex(sum .. id)
    redis.call('HSET', KEYS[2], id, sum .. ARGV[i + 2])
    redis.call('ZADD', KEYS[3], str(seq), id)
    redis.call('ZADD', KEYS[4], str(ends), id)
    redis.call(ARGV[1], ARGV[2], str(seq) .. '\n' .. was .. '\n' .. sum .. '\n' .. id .. '\n' .. ARGV[i + 2])
  end
end
redis.call('HSET', KEYS[1], 'q', str(seq), 's', sum)
local over = redis.call('ZCARD', KEYS[4]) - tonumber(ARGV[3])
if over > 0 then drop(redis.call('ZRANGE', KEYS[4], 0, over - 1)) end
for i = 1, 4 do redis.call('PEXPIRE', KEYS[i], ARGV[4]) end
return { OK }
