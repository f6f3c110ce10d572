package lww

import (
	"iter"
	"time"

	"earshot/presence/cluster"
)

// TombstoneLife is how long a Map remembers what was deleted: a write that was
// on its way for longer brings it back.
const TombstoneLife = 60 * time.Second

// Map is a map of last-writer-wins registers. The zero value is empty. It is
// not safe for concurrent use.
type Map[K comparable, V any] struct {
	registers map[K]register[V]
	living    int
}

type register[V any] struct {
	stamp cluster.Stamp
	value V
	gone  time.Time // of a tombstone: when it was laid; zero for what lives
}

// Put writes a register unless it holds something later, and reports whether
// it did.
func (m *Map[K, V]) Put(key K, stamp cluster.Stamp, value V) bool {
	return m.set(key, register[V]{stamp: stamp, value: value})
}

// Delete leaves a tombstone unless the register holds something later, and
// reports whether it did. now is when to count TombstoneLife from.
func (m *Map[K, V]) Delete(key K, stamp cluster.Stamp, now time.Time) bool {
	return m.set(key, register[V]{stamp: stamp, gone: now})
}

// Remove leaves a tombstone with the stamp of what is there, so that only what
// is later brings it back, and reports whether something lived: for who knows
// that it is gone, but not since when.
func (m *Map[K, V]) Remove(key K, now time.Time) bool {
	r, known := m.registers[key]
	if !known || !r.gone.IsZero() {
		return false
	}
	m.living--
	m.registers[key] = register[V]{stamp: r.stamp, gone: now}
	return true
}

// Forget removes a register without a tombstone: whatever comes next is taken.
func (m *Map[K, V]) Forget(key K) {
	if r, known := m.registers[key]; known {
		m.drop(key, r)
	}
}

func (m *Map[K, V]) set(key K, r register[V]) bool {
	old, known := m.registers[key]
	if known && !old.stamp.Before(r.stamp) {
		return false
	}
	if m.registers == nil {
		m.registers = map[K]register[V]{}
	}
	if known && old.gone.IsZero() {
		m.living--
	}
	if r.gone.IsZero() {
		m.living++
	}
	m.registers[key] = r
	return true
}

// Get returns a living register.
func (m *Map[K, V]) Get(key K) (value V, stamp cluster.Stamp, ok bool) {
	r, known := m.registers[key]
	if !known || !r.gone.IsZero() {
		return value, cluster.Stamp{}, false
	}
	return r.value, r.stamp, true
}

// Stamp returns when a register was last written or deleted; the zero Stamp
// where nothing is known of it.
func (m *Map[K, V]) Stamp(key K) cluster.Stamp { return m.registers[key].stamp }

// Len returns how many registers live.
func (m *Map[K, V]) Len() int { return m.living }

// All goes over what lives, in no order. The map must not be changed meanwhile.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for key, r := range m.registers {
			if r.gone.IsZero() && !yield(key, r.value) {
				return
			}
		}
	}
}

// Sweep forgets tombstones older than TombstoneLife.
func (m *Map[K, V]) Sweep(now time.Time) {
	for key, r := range m.registers {
		if !r.gone.IsZero() && now.Sub(r.gone) >= TombstoneLife {
			m.drop(key, r)
		}
	}
}

func (m *Map[K, V]) drop(key K, r register[V]) {
	if r.gone.IsZero() {
		m.living--
	}
	delete(m.registers, key)
}
