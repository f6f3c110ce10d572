package text

import (
	_ "embed"
	"errors"
	"strings"
	"testing"
	"time"

	"earshot"
)

//go:embed testdata/chat.txt
var chat string

func TestDefaultModelFitsThisProgram(t *testing.T) {
	if _, err := Load(modelFile); err != nil {
		t.Fatal(err)
	}
	if n := len(modelFile); n > 400<<10 {
		t.Errorf("model.bin has %d bytes, want at most 400 KiB", n)
	}
}

// TestOrder holds the shipped model to what any model must get right. What it
// gets wrong is in MODEL.md.
func TestOrder(t *testing.T) {
	m := Default()
	var s Scratch
	for _, harmless := range []string{"hello everybody, nice to meet you", "where is the stage?", "good game, see you tomorrow", "can you hear me?", "I love this place"} {
		r := m.Score(harmless, &s)
		if h, _ := m.Head(Toxicity); r.Scores[Toxicity] >= float64(h.OnePercent) || len(r.Terms) > 0 {
			t.Errorf("%q: toxicity %.2f, terms %v", harmless, r.Scores[Toxicity], r.Terms)
		}
	}
	for _, abusive := range []string{"you stupid bitch, shut the fuck up", "all immigrants are vermin and must be shot", "kys faggot"} {
		if r := m.Score(abusive, &s); max(r.Scores[Toxicity], r.Scores[Hate]) < 0.5 {
			t.Errorf("%q: toxicity %.2f, hate %.2f", abusive, r.Scores[Toxicity], r.Scores[Hate])
		}
	}
	if r := m.Score("", &s); r.Scores != (Scores{}) {
		t.Errorf("the empty text scores %v", r.Scores.Map())
	}
}

func TestScoreAllocatesNothing(t *testing.T) {
	m := Default()
	var s Scratch
	long := strings.Repeat("you f.u.c.k.i.n.g ѕhіt 🔥 don't ", 200)
	m.Score(long, &s)
	for _, in := range []string{"hello there", "k i l l  y o u r s e l f you a$$h0le", long} {
		if n := testing.AllocsPerRun(50, func() { m.Score(in, &s) }); n != 0 {
			t.Errorf("%.20q: %v allocations, want 0", in, n)
		}
	}
}

// TestTenMegabytes: the cost is that of the part that is read.
func TestTenMegabytes(t *testing.T) {
	m := Default()
	var s Scratch
	for _, unit := range []string{"fuck ", "\u0301", "\u202e", "\xff", "a\u0301", "motherfuck", "f.", "👏", "漢", "*", "ﬃ", "niggerniggar"} {
		in := strings.Repeat(unit, 10<<20/len(unit))
		start := time.Now()
		r := m.Score(in, &s)
		took := time.Since(start)
		checkResult(t, in, r, &s)
		m.Mask(in, &s)
		t.Logf("%q x %d: %v", unit, len(in)/len(unit), took)
	}
}

func TestLoadRefuses(t *testing.T) {
	good := Encode([Heads]Head{}, make([]int8, Heads<<8))
	if _, err := Load(good); err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(nil), good...)
	damaged[40] ^= 1
	other := append([]byte(nil), good...)
	other[4]++
	tables := append([]byte(nil), good...)
	tables[8]++
	for name, data := range map[string][]byte{"empty": nil, "short": good[:20], "damaged": damaged, "other features": other, "other tables": tables, "longer": append(good, 0)} {
		if _, err := Load(data); !errors.Is(err, &earshot.Error{Code: earshot.CodeInvalidArgument}) {
			t.Errorf("%s: Load = %v, want invalid_argument", name, err)
		}
	}
}

func TestFilesAreRefusedWithTheLine(t *testing.T) {
	l, err := newLetters(lettersFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"letters.txt:1": func() error { _, err := newLetters("a b"); return err },
		"letters.txt:2": func() error { _, err := newLetters("[alike]\nab б"); return err },
		"terms.txt:1":   func() error { _, err := newLists("word", l); return err },
		"terms.txt:2":   func() error { _, err := newLists("[en hate 3]\nдом", l); return err },
		"terms.txt:3":   func() error { _, err := newLists("[en hate 3]\nok\n[en love 9]", l); return err },
		"lexicon.txt:1": func() error { _, err := newLexicon("group: two words", l); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(modelFile[:64])
	f.Add(Encode([Heads]Head{}, make([]int8, Heads<<8)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := Load(data); err == nil {
			var s Scratch
			checkResult(t, "you fool", m.Score("you fool", &s), &s)
		}
	})
}

// TestChat holds the model to ordinary chat, written for this test: at the
// threshold for 1 % hardly any line may be called abusive.
func TestChat(t *testing.T) {
	m := Default()
	var s Scratch
	lines := strings.Split(strings.TrimSpace(chat), "\n")
	for c := range Category(Heads) {
		h, _ := m.Head(c)
		over, half := 0, 0
		for _, line := range lines {
			r := m.Score(line, &s)
			if r.Model[c] >= 0.5 {
				half++
			}
			if r.Model[c] >= float64(h.OnePercent) {
				over++
				t.Logf("%s %.2f: %s", c, r.Model[c], line)
			}
			if r.Scores[Terms] > Severity(1).Score() {
				t.Errorf("%q has the term %q", line, r.Terms[0].Name)
			}
		}
		t.Logf("%s: %d of %d lines above the threshold for 1 %%, %d above 0.5", c, over, len(lines), half)
		if over > len(lines)*3/100 {
			t.Errorf("%s: %d of %d harmless lines are above the threshold for 1 %%", c, over, len(lines))
		}
	}
}
