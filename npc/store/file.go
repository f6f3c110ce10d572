package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"earshot"
)

// File keeps everything in one file, which one process has open at a time.
// Every Put is on the disk when it returns.
//
// Deleted values are not overwritten in the file at once: bbolt uses their
// pages again for later ones.
type File struct {
	db  *bolt.DB
	now func() time.Time
}

var _ Store = (*File)(nil)

var (
	valuesBucket = []byte("values") // key -> revision, expiry, data
	expiryBucket = []byte("expiry") // expiry and key -> nothing, in the order of expiry
)

const (
	headerBytes = 16 // revision and expiry in milliseconds since 1970, big endian; 0: never
	sweepBatch  = 16 // of what is over, deleted with each Put
	lockTimeout = time.Second
)

// OpenFile opens a store, made with mode 0600 if it is not there. Errors are
// failed_precondition if another process has it, or it is no such file.
func OpenFile(path string) (*File, error) { return openFile(path, time.Now) }

func openFile(path string, now func() time.Time) (*File, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, FreelistType: bolt.FreelistMapType})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "store: %s is in use by another process: stop that one, give this one another path, or let both use Valkey", path)
	case errors.Is(err, bolterrors.ErrInvalid) || errors.Is(err, bolterrors.ErrVersionMismatch) || errors.Is(err, bolterrors.ErrChecksum):
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "store: %s is no store of Earshot, or is broken (%v): move it away or give another path", path, err)
	case errors.Is(err, os.ErrNotExist):
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "store: %v: make the folder first", err)
	case err != nil:
		return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "store: %v", err)
	}
	f := &File{db: db, now: now}
	err = f.update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{valuesBucket, expiryBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return f.sweep(tx, -1)
	})
	if err != nil {
		db.Close()
		return nil, err
	}
	return f, nil
}

// Get implements Store.
func (f *File) Get(ctx context.Context, key string) (value Value, err error) {
	if err := ready(ctx, checkKey(key)); err != nil {
		return Value{}, err
	}
	err = f.view(func(tx *bolt.Tx) error {
		h, data, ok := f.find(tx, key)
		if !ok {
			return notFound(key)
		}
		value = Value{Data: bytes.Clone(data), Revision: h.revision}
		return nil
	})
	return value, err
}

// Put implements Store.
func (f *File) Put(ctx context.Context, key string, data []byte, revision uint64, ttl time.Duration) (next uint64, err error) {
	if err := ready(ctx, checkPut(key, data, ttl)); err != nil {
		return 0, err
	}
	err = f.update(func(tx *bolt.Tx) error {
		if err := f.sweep(tx, sweepBatch); err != nil {
			return err
		}
		if old, _, _ := f.find(tx, key); old.revision != revision {
			return conflict(key)
		}
		if err := drop(tx, []byte(key)); err != nil {
			return err
		}
		values := tx.Bucket(valuesBucket)
		h := header{}
		if h.revision, err = values.NextSequence(); err != nil {
			return err
		}
		if ttl > 0 {
			h.expires = uint64(f.now().Add(ttl).UnixMilli())
			if err := tx.Bucket(expiryBucket).Put(expiryKey(h.expires, key), nil); err != nil {
				return err
			}
		}
		next = h.revision
		return values.Put([]byte(key), append(h.bytes(), data...))
	})
	return next, err
}

// Delete implements Store.
func (f *File) Delete(ctx context.Context, key string, revision uint64) error {
	if err := ready(ctx, checkKey(key)); err != nil {
		return err
	}
	return f.update(func(tx *bolt.Tx) error {
		h, _, ok := f.find(tx, key)
		if ok && revision != 0 && h.revision != revision {
			return conflict(key)
		}
		return drop(tx, []byte(key))
	})
}

// List implements Store.
func (f *File) List(ctx context.Context, prefix string) (keys []string, err error) {
	if err := ready(ctx, checkPrefix(prefix)); err != nil {
		return nil, err
	}
	err = f.view(func(tx *bolt.Tx) error {
		now := f.now()
		return below(tx, prefix, func(key []byte, h header) error {
			if h.over(now) {
				return nil
			}
			if len(keys) == MaxList {
				return tooMany(prefix)
			}
			keys = append(keys, string(key))
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// Erase implements Store.
func (f *File) Erase(ctx context.Context, prefix string) (n int, err error) {
	if err := ready(ctx, checkPrefix(prefix)); err != nil {
		return 0, err
	}
	err = f.update(func(tx *bolt.Tx) error {
		n = 0
		var keys [][]byte // collected first: bbolt's cursors do not bear deletes beside them
		now := f.now()
		err := below(tx, prefix, func(key []byte, h header) error {
			keys = append(keys, bytes.Clone(key))
			if !h.over(now) {
				n++
			}
			return nil
		})
		for _, key := range keys {
			err = errors.Join(err, drop(tx, key))
		}
		return err
	})
	return n, err
}

// Close implements Store. It waits for transactions under way.
func (f *File) Close() error { return f.db.Close() }

func (f *File) find(tx *bolt.Tx, key string) (header, []byte, bool) {
	h, data, ok := split(tx.Bucket(valuesBucket).Get([]byte(key)))
	if !ok || h.over(f.now()) {
		return header{}, nil, false
	}
	return h, data, true
}

// sweep deletes up to n of what is over; all with n below 0.
func (f *File) sweep(tx *bolt.Tx, n int) error {
	now := uint64(f.now().UnixMilli())
	var keys [][]byte
	c := tx.Bucket(expiryBucket).Cursor()
	for k, _ := c.First(); k != nil && len(k) > 8 && len(keys) != n; k, _ = c.Next() {
		if binary.BigEndian.Uint64(k) > now {
			break
		}
		keys = append(keys, bytes.Clone(k[8:]))
	}
	var err error
	for _, key := range keys {
		err = errors.Join(err, drop(tx, key))
	}
	return err
}

// drop deletes a key and its place in the order of expiry.
func drop(tx *bolt.Tx, key []byte) error {
	values := tx.Bucket(valuesBucket)
	h, _, ok := split(values.Get(key))
	if !ok {
		return nil
	}
	if h.expires != 0 {
		if err := tx.Bucket(expiryBucket).Delete(expiryKey(h.expires, string(key))); err != nil {
			return err
		}
	}
	return values.Delete(key)
}

func below(tx *bolt.Tx, prefix string, do func(key []byte, h header) error) error {
	c := tx.Bucket(valuesBucket).Cursor()
	for k, v := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, v = c.Next() {
		h, _, ok := split(v)
		if !ok {
			continue
		}
		if err := do(k, h); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) view(do func(*bolt.Tx) error) error   { return fileError(f.db.View(do)) }
func (f *File) update(do func(*bolt.Tx) error) error { return fileError(f.db.Update(do)) }

func fileError(err error) error {
	var known *earshot.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return earshot.Errorf(earshot.CodeUnavailable, "store: the file: %v", err)
}

// header is before the data of a value.
type header struct{ revision, expires uint64 }

func (h header) over(now time.Time) bool {
	return h.expires != 0 && uint64(now.UnixMilli()) >= h.expires
}

func (h header) bytes() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, h.revision), h.expires)
}

func split(value []byte) (h header, data []byte, ok bool) {
	if len(value) < headerBytes {
		return header{}, nil, false
	}
	return header{binary.BigEndian.Uint64(value), binary.BigEndian.Uint64(value[8:])}, value[headerBytes:], true
}

func expiryKey(expires uint64, key string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, expires), key...)
}
