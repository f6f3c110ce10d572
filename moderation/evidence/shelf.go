package evidence

import (
	"sync"
	"time"

	"earshot"
)

// shelf keeps files and, apart from them, keys. One goroutine changes it at a
// time; any may read.
type shelf interface {
	// put keeps a file; key and file are durable when it returns.
	put(id string, k fileKey, file []byte) error
	get(id string) (key [32]byte, file []byte, err error)
	extend(id string, until time.Time) error
	// remove destroys the key, then the file.
	remove(id string) error
	// list calls do with the beginning of each file, at least its meta. What a
	// crash left half is removed first.
	list(do func(id string, k fileKey, head []byte, size int64) error) error
	close() error
}

// fileKey is the key of a file and when both go.
type fileKey struct {
	key     [32]byte
	expires time.Time // zero: it could not be read
}

// memoryShelf is the twin for tests and for nodes that keep nothing.
type memoryShelf struct {
	mu    sync.RWMutex
	files map[string]memoryFile
}

type memoryFile struct {
	fileKey
	data []byte
}

var _ shelf = (*memoryShelf)(nil)

func (m *memoryShelf) put(id string, k fileKey, file []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[id] = memoryFile{k, file}
	return nil
}

func (m *memoryShelf) get(id string) ([32]byte, []byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	f, ok := m.files[id]
	if !ok {
		return f.key, nil, errNotFound(id)
	}
	return f.key, f.data, nil
}

func (m *memoryShelf) extend(id string, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.files[id]
	if !ok {
		return errNotFound(id)
	}
	f.expires = until
	m.files[id] = f
	return nil
}

func (m *memoryShelf) remove(id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, id)
	return nil
}

func (m *memoryShelf) list(func(string, fileKey, []byte, int64) error) error { return nil } // it begins empty

func (m *memoryShelf) close() error { return nil }

func errNotFound(id string) error {
	return earshot.Errorf(earshot.CodeNotFound, "there is no evidence %.40q, or its time is over", id)
}
