package main

import (
	"hash/fnv"
	"math"
	"strings"
	"unicode"
)

// split puts each example on one side: 65 % train, 15 % validation, 20 % test.
// What is nearly the same text is on the same side: retweets, quotes, texts
// that share a rare run of four words, and the pairs of HatemojiBuild.
func split(examples []example) {
	u := newUnion(len(examples))
	seen := map[uint64]int{}
	ids := map[string]int{}
	for i := range examples {
		if id := entryID(&examples[i]); id != "" {
			ids[id] = i
		}
	}
	for i := range examples {
		e := &examples[i]
		for _, key := range fingerprints(e.text) {
			if j, ok := seen[key]; ok {
				u.join(i, j)
			} else {
				seen[key] = i
			}
		}
		if j, ok := ids[e.pair]; ok && e.source == hatemoji {
			u.join(i, j)
		}
	}
	hashes := make([]uint64, len(examples)) // of a group: the least hash of its texts
	for i := range hashes {
		hashes[i] = math.MaxUint64
	}
	for i := range examples {
		g := u.find(i)
		examples[i].group = g
		hashes[g] = min(hashes[g], hashText(0, words(examples[i].text)))
	}
	for i := range examples {
		switch h := hashes[examples[i].group] >> 7 % 100; {
		case h < 65:
			examples[i].part = train
		case h < 80:
			examples[i].part = validation
		default:
			examples[i].part = test
		}
	}
}

func entryID(e *example) string {
	for _, s := range e.slices {
		if id, ok := strings.CutPrefix(s, "id "); ok {
			return id
		}
	}
	return ""
}

// fingerprints returns the hash of the whole text without mentions and links
// and two min-hashes over its runs of four words.
func fingerprints(s string) []uint64 {
	w := words(s)
	keys := []uint64{hashText(1, w)}
	if len(w) < 6 {
		return keys
	}
	for seed := uint64(2); seed < 4; seed++ {
		least := uint64(math.MaxUint64)
		for i := 0; i+4 <= len(w); i++ {
			least = min(least, hashText(seed, w[i:i+4]))
		}
		keys = append(keys, least)
	}
	return keys
}

// words returns the words of s in lower case, letters and emoji only, without
// mentions, links and the mark of a retweet.
func words(s string) []string {
	var out []string
	for _, f := range strings.Fields(strings.ToLower(s)) {
		if strings.Contains(f, "@") || strings.Contains(f, "http") || f == "rt" {
			continue
		}
		f = strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || r > 0x2190 {
				return r
			}
			return -1
		}, f)
		if f != "" {
			out = append(out, f)
		}
	}
	return out
}

func hashText(seed uint64, words []string) uint64 {
	h := fnv.New64a()
	h.Write([]byte{byte(seed)})
	for _, w := range words {
		h.Write([]byte(w))
		h.Write([]byte{' '})
	}
	x := h.Sum64()
	x ^= x >> 31
	x *= 0x9E3779B97F4A7C15
	return x ^ x>>29
}

// union is a forest of groups.
type union []int

func newUnion(n int) union {
	u := make(union, n)
	for i := range u {
		u[i] = i
	}
	return u
}

func (u union) find(i int) int {
	for u[i] != i {
		u[i] = u[u[i]]
		i = u[i]
	}
	return i
}

func (u union) join(a, b int) {
	a, b = u.find(a), u.find(b)
	u[max(a, b)] = min(a, b)
}
