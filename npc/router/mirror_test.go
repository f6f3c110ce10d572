package router

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A mirror holds what a plain list of the same size would, newest first.
func TestMirrorIsAnLRU(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 20).Draw(t, "size")
		m := newMirror(size)
		var list []uint64
		for range rapid.IntRange(1, 100).Draw(t, "chains") {
			chain := talk(rapid.IntRange(0, 5).Draw(t, "talk"), rapid.IntRange(0, 25).Draw(t, "blocks"))
			held := 0
			for held < min(len(chain), size) && slices.Contains(list, chain[held]) {
				held++
			}
			if got := m.match(0, chain); got != held {
				t.Fatalf("match() = %d, want %d", got, held)
			}
			m.touch(0, chain)
			for i := min(len(chain), size) - 1; i >= 0; i-- {
				list = slices.DeleteFunc(list, func(h uint64) bool { return h == chain[i] })
				list = slices.Insert(list, 0, chain[i])
			}
			list = list[:min(len(list), size)]
		}
	})
}

// talk returns the first n blocks of a conversation; those of even and odd
// numbers share their first three, as the turns with one character do.
func talk(k, n int) (chain []uint64) {
	for i := range n {
		owner := k
		if i < 3 {
			owner = k % 2
		}
		chain = append(chain, mix(uint64(owner+1)<<32|uint64(i)))
	}
	return chain
}

func TestMirrorTellsModelsApart(t *testing.T) {
	m := newMirror(8)
	m.touch(hashName("large"), talk(0, 4))
	if n := m.match(hashName("large"), talk(0, 6)); n != 4 {
		t.Errorf("match() for the same model = %d, want 4", n)
	}
	if n := m.match(hashName("small"), talk(0, 6)); n != 0 {
		t.Errorf("match() for another model = %d, want 0", n)
	}
	m.clear()
	if n := m.match(hashName("large"), talk(0, 6)); n != 0 {
		t.Errorf("match() after clear = %d, want 0", n)
	}
}

// Hashes that repeat are wrong, but must do no harm.
func FuzzMirror(f *testing.F) {
	f.Add([]byte{1, 2, 3, 1, 1}, uint8(3))
	f.Fuzz(func(t *testing.T, hashes []byte, size uint8) {
		m := newMirror(1 + int(size))
		chain := make([]uint64, len(hashes))
		for i, h := range hashes {
			chain[i] = uint64(h)
		}
		for i := range chain {
			m.touch(0, chain[i:])
			if n := m.match(0, chain); n > len(chain) {
				t.Fatalf("match() = %d of %d", n, len(chain))
			}
		}
	})
}
