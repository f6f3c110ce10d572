package persona

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

func seeds(f *testing.F, names ...string) {
	f.Helper()
	for _, name := range names {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
}

// exercise does with a card all that can be done.
func exercise(t *testing.T, card *Card) {
	p, _, err := card.Persona()
	if err != nil {
		return
	}
	out, err := p.Export(card.Version())
	if err != nil || !bytes.Equal(out.JSON(), card.JSON()) {
		t.Fatalf("untouched export: %v\n%q\nwant\n%q", err, out.JSON(), card.JSON())
	}
	for _, v := range []CardVersion{CardV2, CardV3} {
		p.Description += "x"
		edited, err := p.Export(v)
		if err != nil {
			continue // over the size limit
		}
		back, _, err := edited.Persona()
		if err != nil || back.Description != strings.ToValidUTF8(p.Description, "\ufffd") {
			t.Fatalf("edited export: %v, description %q, want %q", err, back.Description, p.Description)
		}
	}
	if c, err := NewCharacter(p); err == nil {
		if _, err := c.Prompt(Scene{Turns: []Turn{{Speaker: "Ada", Text: "the key, a dragon"}}}); err != nil && !strings.Contains(err.Error(), "tokens before anybody speaks") {
			t.Fatal(err)
		}
	}
}

func FuzzParseCard(f *testing.F) {
	seeds(f, "card-v2.json", "card-v3.json")
	f.Add([]byte(`{"spec":"chara_card_v2","data":{"name":"a","name":"b","extensions":null,"character_book":{"entries":[null,5]}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if card, err := ParseCard(text); err == nil {
			exercise(t, card)
		}
	})
}

func FuzzReadPNG(f *testing.F) {
	seeds(f, "card-v2.png", "card-v3.png")
	f.Fuzz(func(t *testing.T, file []byte) {
		card, err := ReadPNG(file)
		if err != nil {
			return
		}
		again, err := WritePNG(file, card)
		if err != nil || !bytes.Equal(again, file) {
			t.Fatalf("written back: %v", err)
		}
		exercise(t, card)
	})
}

func FuzzReadCharx(f *testing.F) {
	seeds(f, "card-v3.charx")
	f.Add(zipOf(f, "card.json", oddV2, "a/b", "x"))
	f.Fuzz(func(t *testing.T, file []byte) {
		x, err := ReadCharx(file)
		if err != nil || x.Card.Version() != CardV3 {
			return
		}
		packed, err := x.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ReadCharx(packed); err != nil || len(back.Assets) != len(x.Assets) || !bytes.Equal(back.Card.JSON(), x.Card.JSON()) {
			t.Fatalf("packed again: %v", err)
		}
	})
}

func FuzzParse(f *testing.F) {
	seeds(f, "mara.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse("f", text)
		if err != nil {
			return
		}
		file, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("f", file)
		if err != nil {
			t.Fatalf("%v in\n%s", err, file)
		}
		if second, _ := again.Encode(); !bytes.Equal(second, file) {
			t.Fatalf("encoded\n%s\nthen\n%s", file, second)
		}
	})
}

func FuzzSubstitute(f *testing.F) {
	f.Add("{{char}}{{random:a,b}}{{roll:d6}}<USER>{{var:x}}{{// {{x}}")
	m := &Macros{Char: "M", User: "U", Variables: map[string]string{"x": "y"}}
	f.Fuzz(func(t *testing.T, text string) {
		if got := m.Substitute(text); len(got) > max(maxSubstituted, len(text))+maxLine {
			t.Fatalf("%d bytes of %d", len(got), len(text))
		}
	})
}

// The heaviest lorebook that is accepted, against the longest messages that
// are looked at, ends in bearable time.
func TestHeavyExpressionsEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds with the race detector")
	}
	l := Lorebook{ScanDepth: maxList}
	for range maxLore {
		l.Entries = append(l.Entries, Entry{Keys: []string{`(x+x+){20}y`}, Regex: true, Content: "c"})
	}
	book, problems := NewBook(l)
	if len(problems) == 0 || len(problems) == maxLore {
		t.Fatalf("%d of %d expressions refused, want some", len(problems), maxLore)
	}
	messages := make([]string, maxList)
	for i := range messages {
		messages[i] = strings.Repeat("x", 1<<20)
	}
	start := time.Now()
	book.Select(messages, -1)
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	} else {
		t.Logf("took %v", took)
	}
}
