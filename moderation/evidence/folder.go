package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"earshot"
	"earshot/moderation/lockfile"
)

// folder keeps files in one folder and keys in another.
type folder struct {
	dir, keys string
	locked    *os.File
}

var _ shelf = (*folder)(nil)

const (
	fileSuffix = ".evidence"
	keySuffix  = ".key"
	halfSuffix = ".half" // not yet whole
)

func openFolder(dir, keys string) (*folder, error) {
	if keys == "" {
		keys = filepath.Join(dir, "keys")
	}
	for _, d := range []string{dir, keys} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, diskError(err)
		}
	}
	locked, err := lockfile.Take(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, diskError(err)
	}
	return &folder{dir, keys, locked}, nil
}

func (f *folder) file(id string) string { return filepath.Join(f.dir, id+fileSuffix) }
func (f *folder) key(id string) string  { return filepath.Join(f.keys, id+keySuffix) }

// The file of a key: the key, 8 bytes of its sum; the expiry in milliseconds
// since 1970, 8 bytes of its sum. The two are apart, so that a crash while the
// expiry is written anew leaves the key.
const (
	keyBytes    = 56
	expiryStart = 40
)

func encodeKey(k fileKey) []byte {
	b := sum8(k.key[:])
	return append(b, encodeExpiry(k.expires)...)
}

func encodeExpiry(t time.Time) []byte {
	return sum8(binary.BigEndian.AppendUint64(nil, uint64(t.UnixMilli())))
}

func sum8(b []byte) []byte {
	sum := sha256.Sum256(b)
	return append(bytes.Clone(b), sum[:8]...)
}

func decodeKey(b []byte) (k fileKey, ok bool) {
	if len(b) != keyBytes || !bytes.Equal(sum8(b[:32]), b[:expiryStart]) {
		return k, false
	}
	copy(k.key[:], b)
	if e := b[expiryStart:]; bytes.Equal(sum8(e[:8]), e) {
		k.expires = time.UnixMilli(int64(binary.BigEndian.Uint64(e))).UTC()
	}
	return k, true
}

func (f *folder) put(id string, k fileKey, file []byte) error {
	if err := writeWhole(f.keys, f.key(id), encodeKey(k)); err != nil {
		return err
	}
	if err := writeWhole(f.dir, f.file(id), file); err != nil {
		return errors.Join(err, f.remove(id))
	}
	return nil
}

// writeWhole makes a file that is there whole or not at all.
func writeWhole(dir, path string, data []byte) error {
	half := path + halfSuffix
	out, err := os.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return diskError(err)
	}
	_, err = out.Write(data)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(half, path)
	}
	if err != nil {
		return diskError(errors.Join(err, os.Remove(half)))
	}
	return diskError(lockfile.SyncFolder(dir))
}

func (f *folder) get(id string) (key [32]byte, file []byte, err error) {
	k, err := f.readKey(id)
	if err != nil {
		return key, nil, err
	}
	file, err = readAtMost(f.file(id), maxFile)
	if errors.Is(err, os.ErrNotExist) {
		return key, nil, errNotFound(id)
	}
	return k.key, file, err
}

func (f *folder) readKey(id string) (k fileKey, err error) {
	b, err := readAtMost(f.key(id), keyBytes)
	if errors.Is(err, os.ErrNotExist) {
		return k, errNotFound(id)
	}
	if err != nil {
		return k, err
	}
	k, ok := decodeKey(b)
	if !ok {
		return k, errBroken("its key cannot be read")
	}
	return k, nil
}

func readAtMost(path string, most int64) ([]byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, diskError(err)
	}
	if int64(len(b)) > most {
		return nil, errBroken("it is too large")
	}
	return b, nil
}

func (f *folder) extend(id string, until time.Time) error {
	out, err := os.OpenFile(f.key(id), os.O_WRONLY, 0)
	if err != nil {
		return diskError(err)
	}
	_, err = out.WriteAt(encodeExpiry(until), expiryStart)
	if err == nil {
		err = out.Sync()
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return diskError(err)
	}
	return nil
}

func (f *folder) remove(id string) error {
	if err := shred(f.key(id)); err != nil {
		return err
	}
	if err := lockfile.SyncFolder(f.keys); err != nil {
		return diskError(err)
	}
	if err := os.Remove(f.file(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return diskError(err)
	}
	return diskError(lockfile.SyncFolder(f.dir))
}

// shred overwrites a file before it removes it. One that is not there is gone.
func shred(path string) error {
	out, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return diskError(err)
	}
	_, err = out.WriteAt(make([]byte, keyBytes), 0)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		return diskError(err)
	}
	return nil
}

func (f *folder) list(do func(id string, k fileKey, head []byte, size int64) error) error {
	whole := map[string]bool{}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return diskError(err)
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), fileSuffix)
		if half, cut := strings.CutSuffix(e.Name(), fileSuffix+halfSuffix); cut && ValidID(half) {
			if err := os.Remove(filepath.Join(f.dir, e.Name())); err != nil {
				return diskError(err)
			}
		}
		if ok && ValidID(id) {
			whole[id] = true
		}
	}
	if err := f.tidyKeys(whole); err != nil {
		return err
	}
	for id := range whole {
		k, err := f.readKey(id)
		if earshot.CodeOf(err) == earshot.CodeNotFound || earshot.CodeOf(err) == earshot.CodeFailedPrecondition {
			if err := f.remove(id); err != nil { // nobody can read it any more
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		head, size, err := f.head(id)
		if err != nil {
			return err
		}
		if err := do(id, k, head, size); err != nil {
			return err
		}
	}
	return nil
}

// tidyKeys removes the keys of files that never came to be.
func (f *folder) tidyKeys(whole map[string]bool) error {
	entries, err := os.ReadDir(f.keys)
	if err != nil {
		return diskError(err)
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(strings.TrimSuffix(e.Name(), halfSuffix), keySuffix)
		if ok && ValidID(id) && (!whole[id] || strings.HasSuffix(e.Name(), halfSuffix)) {
			if err := shred(filepath.Join(f.keys, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *folder) head(id string) ([]byte, int64, error) {
	in, err := os.Open(f.file(id))
	if err != nil {
		return nil, 0, diskError(err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, 0, diskError(err)
	}
	head, err := io.ReadAll(io.LimitReader(in, int64(len(magic)+4+maxMeta+nonceBytes+tagBytes)))
	if err != nil {
		return nil, 0, diskError(err)
	}
	return head, info.Size(), nil
}

func (f *folder) close() error { return lockfile.Release(f.locked) }

func diskError(err error) error {
	switch {
	case err == nil || errors.As(err, new(*earshot.Error)):
		return err
	case errors.Is(err, lockfile.ErrTaken):
		return earshot.Errorf(earshot.CodeFailedPrecondition, "evidence: %v", err)
	}
	return earshot.Errorf(earshot.CodeUnavailable, "evidence: %v", err)
}
