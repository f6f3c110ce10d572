-- KEYS: w f. ARGV: expected epoch, any (0 or 1), seed, ttl; instance, node,
-- participant, reading and node of the key.
local w = whereabouts()
local e = num(w[1])
local again = e > 0 and w[4] == ARGV[7] and w[5] == ARGV[8] and w[6] == ARGV[9]
local reply
if not again and ARGV[2] ~= '1' and e ~= tonumber(ARGV[1]) then return placed(CONFLICT, w) end
if again then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  reply = placed(OK, w)
else
  reply = placed(OK, settle(str(math.max(e + 1, tonumber(ARGV[3]))), ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[4]))
end
for i = 1, 6 do reply[8 + i] = w[i] or '' end
reply[15] = orders()
return reply
