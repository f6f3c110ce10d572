-- What every script begins with.
--
-- Numbers: epochs, revisions and sequence numbers stay below 2^53, which a
-- number of Lua holds exactly. A clock's reading does not fit: it comes as 16
-- hexadecimal digits. Lua's < on strings follows the server's locale, so
-- before() compares bytes.
--
-- Keys of an instance, one hash tag:
--   o  hash: e n c u   epoch, node and nonce of the last owner; its lease's end
--            fr        1 where there was no owner before the last claim
--            tk        until when a Renew says that this store had forgotten
--            h hu      heir, and until when it alone may claim
--            q         sequence number of the last Put
--            r ro re rr rs rl rh   record, its owner, epoch, rev, state, soft, hard
--            s se sr   snapshot, its epoch and rev
--   m  hash: member -> stamp "\n" presence
--   r  hash: reservation -> end " " participant " " participant ...
-- Keys of a participant, one hash tag:
--   w  hash: e i n kp kh kn   whereabouts; runs out with them
--   f  hash: name of an order -> reading node "\n" lifts until order; "v": version
-- Keys of a docket, one hash tag:
--   h  hash: q s   number and sum of the last entry
--   e  hash: id -> sum data;  q  id by number;  x  id by when it ends
local OK, HELD, FENCED, CONFLICT, FULL, SHUT, MISSING = 1, 2, 3, 4, 5, 6, 7
local OPEN, SOFTFULL, HARDFULL, CLOSED, CLAIMED = '2', '3', '4', '6', '8'
local FORGET = 86400000 -- ms after which an instance that nobody owned or wrote is forgotten

local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

local function num(x) return tonumber(x or 0) or 0 end

local function str(n) return string.format('%.0f', n) end

local function before(a, b)
  if a == b then return false end
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- owner returns epoch, node and lease of an instance.
local function owner(key)
  local m = redis.call('HMGET', key, 'e', 'n', 'u')
  return num(m[1]), m[2] or '', num(m[3])
end

-- owned tells whether ARGV[1] and ARGV[2], epoch and node, are the last owner.
local function owned(e, n)
  return e > 0 and e == tonumber(ARGV[1]) and n == ARGV[2]
end

-- refused says who owns the instance instead.
local function refused(status, e, n, u, t)
  return { status, str(e), n, str(math.max(u - t, 0)) }
end
