-- placed returns the reply about a participant: status, whereabouts, version.
local function placed(status, w)
  return { status, w[1] or '0', w[2] or '', w[3] or '', w[4] or '', w[5] or '', w[6] or '', redis.call('HGET', KEYS[2], 'v') or '0' }
end

-- whereabouts reads what has not run out.
local function whereabouts()
  return redis.call('HMGET', KEYS[1], 'e', 'i', 'n', 'kp', 'kh', 'kn')
end

local function settle(e, i, n, kp, kh, kn, ttl)
  redis.call('HSET', KEYS[1], 'e', e, 'i', i, 'n', n, 'kp', kp, 'kh', kh, 'kn', kn)
  redis.call('PEXPIRE', KEYS[1], ttl)
  return { e, i, n, kp, kh, kn }
end

-- orders returns all but the version.
local function orders()
  local out, all = {}, redis.call('HGETALL', KEYS[2])
  for i = 1, #all, 2 do
    if all[i] ~= 'v' then table.insert(out, all[i + 1]) end
  end
  return out
end

-- compare orders two stamps of (epoch, reading, node): below 0 where the first
-- is before.
local function compare(e, kh, n, e2, kh2, n2)
  if e ~= e2 then return e - e2 end
  if kh ~= kh2 then return before(kh, kh2) and -1 or 1 end
  if n ~= n2 then return before(n, n2) and -1 or 1 end
  return 0
end
