package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/valkey-io/valkey-go"

	"earshot"
)

// Valkey keeps everything on a Valkey server, or a Redis server of version 7.
// Several nodes may share it. What a server that failed over had not yet
// copied is lost, as its operator decided.
//
// Each value is a hash of revision and data. Beside them are a sorted set of
// all keys, which makes prefixes quick to find, and one of when they end.
type Valkey struct {
	client valkey.Client
	prefix string
	// patience bounds one call: the client itself would wait for a server that
	// starts, or for a new connection, for ever.
	patience time.Duration

	put, delete, living, erase *valkey.Lua
}

var _ Store = (*Valkey)(nil)

// scripts run atomically on the server. KEYS of put and delete: the value, the
// set of keys, that of expiries, the counter of revisions.
const (
	putScript = `
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now - 1000, 'LIMIT', 0, 16)) do
  redis.call('ZREM', KEYS[2], old)
  redis.call('ZREM', KEYS[3], old)
end
local revision = redis.call('HGET', KEYS[1], 'r') or '0'
if revision ~= ARGV[1] then return '' end
revision = string.format('%.0f', redis.call('INCR', KEYS[4]))
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'r', revision, 'd', ARGV[2])
redis.call('ZADD', KEYS[2], 0, ARGV[4])
redis.call('ZREM', KEYS[3], ARGV[4])
if ARGV[3] ~= '0' then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call('ZADD', KEYS[3], string.format('%.0f', now + ARGV[3]), ARGV[4])
end
return revision`

	deleteScript = `
local revision = redis.call('HGET', KEYS[1], 'r')
if revision and ARGV[1] ~= '0' and revision ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[2])
return 1`

	// KEYS: the set of keys, that of expiries, then the values of ARGV.
	livingScript = `
local living = {}
for i, key in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[i + 2]) == 1 then
    table.insert(living, key)
  else
    redis.call('ZREM', KEYS[1], key)
    redis.call('ZREM', KEYS[2], key)
  end
end
return living`

	eraseScript = `
local n = 0
for i, key in ipairs(ARGV) do
  n = n + redis.call('DEL', KEYS[i + 2])
  redis.call('ZREM', KEYS[1], key)
  redis.call('ZREM', KEYS[2], key)
end
return n`

	keysBatch = 500             // keys of one call of the last two
	patience  = 5 * time.Second // of one call
)

// OpenValkey connects. url is redis://, rediss:// (TLS), valkey://, valkeys://
// or unix://, with user, password and number of the database as
// valkey.ParseURL takes them. prefix comes before each key on the server.
// Errors name no credentials: invalid_argument, or unavailable where no server
// answers.
func OpenValkey(ctx context.Context, url, prefix string) (*Valkey, error) {
	opt, err := valkey.ParseURL(url)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "store: the address of the Valkey server cannot be read: want redis://, rediss://, valkey://, valkeys:// or unix://")
	}
	opt.ForceSingleClient = true
	// The values change too often and are read too seldom for a cache beside
	// them; without one nothing of RESP3 is needed either.
	opt.DisableCache, opt.AlwaysRESP2 = true, true
	if opt.Dialer.Timeout == 0 {
		opt.Dialer.Timeout = 5 * time.Second
	}
	client, err := valkey.NewClient(opt)
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeUnavailable, "store: no Valkey server answers at %v: %v", opt.InitAddress, err)
	}
	v := &Valkey{
		client: client, prefix: prefix, patience: patience,
		put: valkey.NewLuaScript(putScript), delete: valkey.NewLuaScript(deleteScript),
		living: valkey.NewLuaScript(livingScript), erase: valkey.NewLuaScript(eraseScript),
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := client.Do(ctx, client.B().Ping().Build()).Error(); err != nil {
		client.Close()
		return nil, valkeyError(ctx, err)
	}
	return v, nil
}

// Get implements Store.
func (v *Valkey) Get(ctx context.Context, key string) (Value, error) {
	ctx, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	if err := ready(ctx, checkKey(key)); err != nil {
		return Value{}, err
	}
	fields, err := v.client.Do(ctx, v.client.B().Hmget().Key(v.value(key)).Field("r", "d").Build()).ToArray()
	if err != nil {
		return Value{}, valkeyError(ctx, err)
	}
	if len(fields) != 2 || fields[0].IsNil() {
		return Value{}, notFound(key)
	}
	revision, err := fields[0].ToString()
	if err != nil {
		return Value{}, valkeyError(ctx, err)
	}
	data, err := fields[1].AsBytes()
	if err != nil {
		return Value{}, valkeyError(ctx, err)
	}
	return parsed(key, revision, data)
}

func parsed(key, revision string, data []byte) (Value, error) {
	n, err := strconv.ParseUint(revision, 10, 64)
	if err != nil || len(data) > MaxValue {
		return Value{}, earshot.Errorf(earshot.CodeInternal, "%s: what the Valkey server has there was not written by Earshot", key)
	}
	return Value{Data: data, Revision: n}, nil
}

// Put implements Store.
func (v *Valkey) Put(ctx context.Context, key string, data []byte, revision uint64, ttl time.Duration) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	if err := ready(ctx, checkPut(key, data, ttl)); err != nil {
		return 0, err
	}
	args := []string{strconv.FormatUint(revision, 10), valkey.BinaryString(data), strconv.FormatInt(ttl.Milliseconds(), 10), key}
	reply, err := v.put.Exec(ctx, v.client, []string{v.value(key), v.prefix + "keys", v.prefix + "expiry", v.prefix + "revision"}, args).ToString()
	if err != nil {
		return 0, valkeyError(ctx, err)
	}
	if reply == "" {
		return 0, conflict(key)
	}
	value, err := parsed(key, reply, nil)
	return value.Revision, err
}

// Delete implements Store.
func (v *Valkey) Delete(ctx context.Context, key string, revision uint64) error {
	ctx, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	if err := ready(ctx, checkKey(key)); err != nil {
		return err
	}
	done, err := v.delete.Exec(ctx, v.client, []string{v.value(key), v.prefix + "keys", v.prefix + "expiry"},
		[]string{strconv.FormatUint(revision, 10), key}).AsInt64()
	if err == nil && done == 0 {
		return conflict(key)
	}
	return valkeyError(ctx, err)
}

// List implements Store.
func (v *Valkey) List(ctx context.Context, prefix string) ([]string, error) {
	keys := []string{}
	err := v.batches(ctx, prefix, func(ctx context.Context, names, values []string) error {
		living, err := v.living.Exec(ctx, v.client, values, names).AsStrSlice()
		if err == nil && len(keys)+len(living) > MaxList {
			return tooMany(prefix)
		}
		keys = append(keys, living...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// Erase implements Store.
func (v *Valkey) Erase(ctx context.Context, prefix string) (n int, err error) {
	err = v.batches(ctx, prefix, func(ctx context.Context, names, values []string) error {
		erased, err := v.erase.Exec(ctx, v.client, values, names).AsInt64()
		n += int(erased)
		return err
	})
	return n, err
}

// batches calls do with the keys below a prefix, and with the KEYS that the
// scripts want for them.
func (v *Valkey) batches(ctx context.Context, prefix string, do func(ctx context.Context, names, values []string) error) error {
	ctx, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	if err := ready(ctx, checkPrefix(prefix)); err != nil {
		return err
	}
	from := "[" + prefix
	for {
		names, err := v.client.Do(ctx, v.client.B().Zrangebylex().Key(v.prefix+"keys").Min(from).Max("("+prefix+"\xff").Limit(0, keysBatch).Build()).AsStrSlice()
		if err != nil || len(names) == 0 {
			return valkeyError(ctx, err)
		}
		values := []string{v.prefix + "keys", v.prefix + "expiry"}
		for _, name := range names {
			values = append(values, v.value(name))
		}
		if err := do(ctx, names, values); err != nil {
			return valkeyError(ctx, err)
		}
		from = "(" + names[len(names)-1]
	}
}

// Close implements Store.
func (v *Valkey) Close() error {
	v.client.Close()
	return nil
}

func (v *Valkey) value(key string) string { return v.prefix + "v:" + key }

func valkeyError(ctx context.Context, err error) error {
	var known *earshot.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return stopped(ctx)
	}
	return earshot.Errorf(earshot.CodeUnavailable, "store: the Valkey server: %v", err)
}
