package text

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// hostile are pieces of messages that somebody made to break things.
func hostile() []string {
	return []string{
		"hello ", "you ", "kys", "a$$h0le", "f.u.c.k", "f u c k ", "fu-ck", "cooool", "motherfuck", "not ", "they must die ", "5pm ", "@ann ",
		"а", "ѕ", "ⓐ", "𝖋", "🅱", "🇫", "ﬁ", "漢字", "ا", "👏", "👩‍👩‍👧", "\u200b", "\u202e", "\u2066", "\ufeff", "\u0301", "\u0489", "\u20dd",
		"\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x00", "\n", "\t", "*", ".", "-", "_", "$", "!", "1", "<|", "'", "\"", "{", "",
		strings.Repeat("a", 300), strings.Repeat("\u0301", 300), strings.Repeat("a b ", 80), strings.Repeat("\xff", 300), strings.Repeat("kys ", 80),
	}
}

// Ten thousand messages out of such pieces, from nothing to 20 kB: none
// panics, none takes long, spans lie in the text, and a mask leaves no term.
func TestTenThousandFuzzedMessages(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	random := rand.New(rand.NewPCG(4, 2026))
	m, pieces, slowest, found := Default(), hostile(), time.Duration(0), 0
	var s Scratch
	for range n {
		text := fuzzed(random, pieces)
		begun := time.Now()
		r := m.Score(text, &s)
		took := time.Since(begun)
		for try := 0; try < 2 && took > time.Second; try++ { // the machine did something else
			begun = time.Now()
			r = m.Score(text, &s)
			took = min(took, time.Since(begun))
		}
		slowest = max(slowest, took)
		checkResult(t, text, r, &s)
		if len(r.Terms) > 0 {
			found++
		}
		if masked := m.Mask(text, &s); len(text) <= MaxBytes && utf8.ValidString(text) && len(m.Score(masked, &s).Terms) > 0 {
			t.Fatalf("%q masked is %q, which has terms", text, masked)
		}
	}
	if slowest > time.Second { // 4 KiB take a quarter of a millisecond; the rest is the machine's
		t.Errorf("a message took %v", slowest)
	}
	t.Logf("%d messages, %d with terms, the slowest took %v", n, found, slowest)
}

func fuzzed(r *rand.Rand, pieces []string) string {
	var b strings.Builder
	for range r.IntN(1 << r.IntN(8)) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}
