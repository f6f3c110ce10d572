-- KEYS: w f. ARGV: epoch, node; participant, reading and node of the key; ttl.
local w = whereabouts()
if compare(tonumber(ARGV[1]), ARGV[4], ARGV[2], num(w[1]), w[5] or '0000000000000000', w[3] or '') < 0 then return placed(OK, w) end
return placed(OK, settle(ARGV[1], '', ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]))
