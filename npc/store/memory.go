package store

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"earshot"
)

// maxMemory bounds what a Memory holds, keys and values together. It is for
// one machine and for tests; who needs more needs a file.
const maxMemory = 256 << 20 // bytes

// sweepEvery is after how many Puts a Memory looks for what is over.
const sweepEvery = 1024

// Memory keeps everything in the process: gone when that ends.
type Memory struct {
	now func() time.Time

	// mu guards all below.
	mu       sync.Mutex
	entries  map[string]entry
	revision uint64
	puts     int
	size     int
}

var _ Store = (*Memory)(nil)

type entry struct {
	data     []byte
	revision uint64
	expires  time.Time // zero: never
}

func (e *entry) over(now time.Time) bool { return !e.expires.IsZero() && !now.Before(e.expires) }

// NewMemory returns an empty store.
func NewMemory() *Memory { return newMemory(time.Now) }

func newMemory(now func() time.Time) *Memory {
	return &Memory{now: now, entries: map[string]entry{}}
}

// Get implements Store.
func (m *Memory) Get(ctx context.Context, key string) (Value, error) {
	if err := ready(ctx, checkKey(key)); err != nil {
		return Value{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.find(key)
	if !ok {
		return Value{}, notFound(key)
	}
	return Value{Data: bytes.Clone(e.data), Revision: e.revision}, nil
}

// Put implements Store.
func (m *Memory) Put(ctx context.Context, key string, data []byte, revision uint64, ttl time.Duration) (uint64, error) {
	if err := ready(ctx, checkPut(key, data, ttl)); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.puts++
	if m.puts%sweepEvery == 0 || m.size > maxMemory {
		m.sweep()
	}
	old, _ := m.find(key)
	if old.revision != revision {
		return 0, conflict(key)
	}
	if size := m.size + len(key) + len(data); old.revision == 0 && size > maxMemory {
		return 0, earshot.Errorf(earshot.CodeResourceExhausted, "the store in memory is full, %d bytes: keep it in a file or in Valkey", maxMemory)
	}
	m.drop(key)
	m.revision++
	e := entry{data: bytes.Clone(data), revision: m.revision}
	if ttl > 0 {
		e.expires = m.now().Add(ttl)
	}
	m.entries[key] = e
	m.size += len(key) + len(data)
	return e.revision, nil
}

// Delete implements Store.
func (m *Memory) Delete(ctx context.Context, key string, revision uint64) error {
	if err := ready(ctx, checkKey(key)); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.find(key)
	if ok && revision != 0 && e.revision != revision {
		return conflict(key)
	}
	m.drop(key)
	return nil
}

// List implements Store.
func (m *Memory) List(ctx context.Context, prefix string) ([]string, error) {
	if err := ready(ctx, checkPrefix(prefix)); err != nil {
		return nil, err
	}
	m.mu.Lock()
	keys := m.below(prefix)
	m.mu.Unlock()
	if len(keys) > MaxList {
		return nil, tooMany(prefix)
	}
	slices.Sort(keys)
	return keys, nil
}

// Erase implements Store.
func (m *Memory) Erase(ctx context.Context, prefix string) (int, error) {
	if err := ready(ctx, checkPrefix(prefix)); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := m.below(prefix)
	for _, key := range keys {
		m.drop(key)
	}
	return len(keys), nil
}

// Close implements Store. There is nothing to release.
func (m *Memory) Close() error { return nil }

// find returns a living entry; the zero one if there is none.
func (m *Memory) find(key string) (entry, bool) {
	e, ok := m.entries[key]
	if ok && e.over(m.now()) {
		m.drop(key)
		return entry{}, false
	}
	return e, ok
}

func (m *Memory) drop(key string) {
	if e, ok := m.entries[key]; ok {
		m.size -= len(key) + len(e.data)
		delete(m.entries, key)
	}
}

func (m *Memory) below(prefix string) (keys []string) {
	now := m.now()
	for key, e := range m.entries {
		if strings.HasPrefix(key, prefix) && !e.over(now) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (m *Memory) sweep() {
	now := m.now()
	for key, e := range m.entries {
		if e.over(now) {
			m.drop(key)
		}
	}
}

// ready returns the problem with what was asked, or that nobody waits any more.
func ready(ctx context.Context, problem error) error {
	if problem != nil {
		return problem
	}
	return stopped(ctx)
}

func stopped(ctx context.Context) error {
	switch ctx.Err() {
	case nil:
		return nil
	case context.DeadlineExceeded:
		return earshot.Errorf(earshot.CodeDeadlineExceeded, "store: the time for it was over")
	}
	return earshot.Errorf(earshot.CodeCanceled, "store: nobody waits for it any more")
}
