package store

import (
	"context"
	"strings"
	"time"

	"earshot"
)

// Bounds that every implementation holds.
const (
	MaxValue = 256 << 10 // bytes
	MaxKey   = 256       // bytes
	MaxList  = 10_000    // keys that List returns
)

// Value is what is kept under a key.
type Value struct {
	Data []byte // the caller's own copy
	// Revision changes with every Put and is never used again for the same
	// key, also after the key was deleted.
	Revision uint64
}

// Store keeps bounded values under keys. A key is one or more names of letters,
// digits and _ . ~ % -, joined by /, like memory/pa_x/plaza/mara.
//
// Errors are *earshot.Error: invalid_argument for a key that is none,
// not_found, aborted where another revision is there, resource_exhausted for
// a value or list that is too large, unavailable where the file or the server
// does not answer, and then it is not known whether a Put or Delete took place.
type Store interface {
	// Get returns the value under a key.
	Get(ctx context.Context, key string) (Value, error)
	// Put writes data if the key's revision is still the given one, 0 for a
	// key that is not there, and returns the new revision. After ttl, if it is
	// not 0, the key is gone.
	Put(ctx context.Context, key string, data []byte, revision uint64, ttl time.Duration) (uint64, error)
	// Delete removes a key whose revision is still the given one, whichever it
	// has with 0. One that is not there is no error.
	Delete(ctx context.Context, key string, revision uint64) error
	// List returns the keys below a prefix that ends with /, sorted.
	List(ctx context.Context, prefix string) ([]string, error)
	// Erase removes all keys below a prefix that ends with /, and says how many
	// there were. It is not atomic: what is written meanwhile may stay.
	Erase(ctx context.Context, prefix string) (int, error)
	// Close releases the file or the connections. Nothing may be called after.
	Close() error
}

// Name makes one name of a key out of any text: what has no place in a key
// becomes %XX. Different texts give different names.
func Name(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if c := text[i]; c != '%' && c != '.' && inName(c) || c == '.' && i > 0 {
			b.WriteByte(c)
		} else {
			const hex = "0123456789ABCDEF"
			b.WriteString(string([]byte{'%', hex[c>>4], hex[c&15]}))
		}
	}
	return b.String()
}

func inName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.~%-", c) >= 0
}

func checkKey(key string) error {
	ok := key != "" && len(key) <= MaxKey
	for _, name := range strings.Split(key, "/") {
		ok = ok && name != ""
		for i := 0; i < len(name); i++ {
			ok = ok && inName(name[i])
		}
	}
	if !ok {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%.64q is no key: names of letters, digits and _ . ~ %% - joined by /, at most %d bytes", key, MaxKey)
	}
	return nil
}

// checkPrefix makes sure that a prefix ends where a name does: "a/b" would
// erase "a/bc" too.
func checkPrefix(prefix string) error {
	whole, ok := strings.CutSuffix(prefix, "/")
	if !ok || checkKey(whole) != nil {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%.64q is no prefix of keys: one ends with /", prefix)
	}
	return nil
}

func checkPut(key string, data []byte, ttl time.Duration) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if len(data) > MaxValue {
		return earshot.Errorf(earshot.CodeResourceExhausted, "%s: a value of %d bytes, at most %d are kept", key, len(data), MaxValue)
	}
	if ttl < 0 || ttl > 0 && ttl < time.Millisecond {
		return earshot.Errorf(earshot.CodeInvalidArgument, "%s: a lifetime of %v: want 0 or at least 1ms", key, ttl)
	}
	return nil
}

func notFound(key string) error {
	return earshot.Errorf(earshot.CodeNotFound, "%s is not there", key)
}

func conflict(key string) error {
	return earshot.Errorf(earshot.CodeAborted, "%s was changed meanwhile: read it again", key)
}

func tooMany(prefix string) error {
	return earshot.Errorf(earshot.CodeResourceExhausted, "more than %d keys below %s", MaxList, prefix)
}
