package persona

import (
	"encoding/binary"
	"hash/fnv"
	"strings"
	"testing"
)

// The chain is what the documentation says, computed here from its words.
func TestPrefixHashes(t *testing.T) {
	messages := []Message{{RoleSystem, strings.Repeat("s", 300)}, {RoleUser, strings.Repeat("u", 300)}}
	text := "system\x1f" + messages[0].Content + "\x1e" + "user\x1f" + messages[1].Content + "\x1e"
	var want []uint64
	for end := PrefixBlock; end <= len(text); end += PrefixBlock {
		h := fnv.New64a()
		h.Write(binary.LittleEndian.AppendUint64(nil, 42))
		h.Write([]byte(text[:end]))
		want = append(want, h.Sum64())
	}
	got := PrefixHashes(nil, 42, messages)
	if len(got) != 2 || len(want) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("PrefixHashes = %x, want %x", got, want)
	}
	messages[1].Content = strings.Repeat("u", 299) + "x"
	if changed := PrefixHashes(nil, 42, messages); sharedBlocks(got, changed) != 2 {
		t.Errorf("a change after the last whole block changed the chain")
	}
	messages[1].Content = "x" + messages[1].Content
	if changed := PrefixHashes(nil, 42, messages); sharedBlocks(got, changed) != 1 {
		t.Errorf("a change in the second block: %d shared, want 1", sharedBlocks(got, changed))
	}
	if other := PrefixHashes(nil, 43, messages); sharedBlocks(got, other) != 0 {
		t.Errorf("another seed shares blocks")
	}
	buffer := make([]uint64, 0, 8)
	if allocs := testing.AllocsPerRun(10, func() { PrefixHashes(buffer, 42, messages) }); allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}
