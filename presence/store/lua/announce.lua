-- KEYS: a node's. ARGV: reading, record, ttl.
local have = redis.call('HGET', KEYS[1], 'h')
if not have or not before(ARGV[1], have) then
  redis.call('HSET', KEYS[1], 'h', ARGV[1], 'r', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return { OK }
