-- KEYS: w f.
local reply = placed(OK, whereabouts())
reply[9] = orders()
return reply
