-- KEYS: w f. ARGV: epoch, instance, node; participant, reading and node of the
-- key; ttl.
local w = whereabouts()
local order = compare(tonumber(ARGV[1]), ARGV[5], ARGV[3], num(w[1]), w[5] or '0000000000000000', w[3] or '')
if order < 0 or order == 0 and num(w[1]) > 0 and w[2] == '' then return placed(FENCED, w) end
return placed(OK, settle(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]))
