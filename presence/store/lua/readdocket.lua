-- KEYS: head, entries, numbers, ends. ARGV: number and sum of a head, most
-- entries. The answer is the head after them, 1 where there may be more, and of
-- each entry number, sum, id, data.
local t, after = now(), tonumber(ARGV[1])
local head = redis.call('HMGET', KEYS[1], 'q', 's')
local seq, sum = num(head[1]), head[2] or ''
if after > 0 and not (after == seq and ARGV[2] == sum) then
  local at = redis.call('ZRANGEBYSCORE', KEYS[3], str(after), str(after))[1]
  local has = at and redis.call('HGET', KEYS[2], at)
  if not has or string.sub(has, 1, 40) ~= ARGV[2] then return { MISSING } end
end
local most = tonumber(ARGV[3])
local ids = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. str(after), '+inf', 'LIMIT', 0, most + 1)
local answer = { OK, str(seq), sum, '0' }
for i, id in ipairs(ids) do
  local number, entry = redis.call('ZSCORE', KEYS[3], id), redis.call('HGET', KEYS[2], id)
  if i > most then
    answer[4] = '1'
    break
  end
  if i == most and #ids > most then answer[2], answer[3] = str(tonumber(number)), string.sub(entry, 1, 40) end
  if num(redis.call('ZSCORE', KEYS[4], id)) > t then
    for _, v in ipairs({ str(tonumber(number)), string.sub(entry, 1, 40), id, string.sub(entry, 41) }) do table.insert(answer, v) end
  end
end
return answer
