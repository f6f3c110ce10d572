package main

import (
	"math/rand/v2"
	"strings"
)

// The ways of disguising a text that training adds and that testing measures.
var disguises = []struct {
	name string
	word func(w string, rng *rand.Rand) string
}{
	{"leet", leet},
	{"spaced letters", func(w string, _ *rand.Rand) string { return strings.Join(strings.Split(w, ""), " ") }},
	{"dotted letters", func(w string, _ *rand.Rand) string { return strings.Join(strings.Split(w, ""), ".") }},
	{"long repeats", repeat},
	{"look-alikes", homoglyph},
	{"zero width", func(w string, _ *rand.Rand) string { return strings.Join(strings.Split(w, ""), "\u200b") }},
	{"letter left out", drop},
	{"letters swapped", swap},
}

// disguise changes a third of the longer words of s in one of the ways, or
// takes the spaces between some words away.
func disguise(s string, rng *rand.Rand) string {
	way := rng.IntN(len(disguises) + 1)
	if way == len(disguises) {
		var b strings.Builder
		for i, w := range strings.Fields(s) {
			if i > 0 && rng.IntN(3) > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(w)
		}
		return b.String()
	}
	return disguiseWords(s, way, 3, rng)
}

// disguiseWords changes every word of at least three letters, or one in share.
func disguiseWords(s string, way, share int, rng *rand.Rand) string {
	ws := strings.Fields(s)
	for i, w := range ws {
		if len(w) >= 3 && plainWord(w) && (share == 1 || rng.IntN(share) == 0) {
			ws[i] = disguises[way].word(w, rng)
		}
	}
	return strings.Join(ws, " ")
}

func plainWord(w string) bool {
	for i := range len(w) {
		if c := w[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

func leet(w string, _ *rand.Rand) string {
	return strings.NewReplacer("a", "4", "e", "3", "i", "1", "o", "0", "s", "5", "t", "7", "A", "4", "E", "3", "I", "1", "O", "0", "S", "5").Replace(w)
}

func repeat(w string, rng *rand.Rand) string {
	i := rng.IntN(len(w))
	return w[:i] + strings.Repeat(w[i:i+1], 3+rng.IntN(3)) + w[i:]
}

func homoglyph(w string, _ *rand.Rand) string {
	return strings.NewReplacer("a", "а", "e", "е", "o", "о", "p", "р", "c", "с", "i", "і", "x", "х").Replace(w)
}

func drop(w string, rng *rand.Rand) string {
	i := 1 + rng.IntN(len(w)-2)
	return w[:i] + w[i+1:]
}

func swap(w string, rng *rand.Rand) string {
	i := rng.IntN(len(w) - 1)
	return w[:i] + w[i+1:i+2] + w[i:i+1] + w[i+2:]
}
