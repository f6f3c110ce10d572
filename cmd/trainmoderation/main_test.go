package main

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"earshot"
	"earshot/moderation/text"
)

// TestTwiceTheSameBytes trains on the made-up texts in testdata.
func TestTwiceTheSameBytes(t *testing.T) {
	var models, cards [2][]byte
	for i := range 2 {
		folder := t.TempDir()
		var out bytes.Buffer
		if err := run([]string{"-bits", "10", "-epochs", "3", "-out", folder, "testdata"}, &out); err != nil {
			t.Fatal(err)
		}
		models[i], cards[i] = readFile(t, folder, "model.bin"), readFile(t, folder, "MODEL.md")
		for _, want := range []string{"train    pass  3 of 3", "Validation", "HateCheck", "Disguised"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the output does not mention %q", want)
			}
		}
	}
	if !bytes.Equal(models[0], models[1]) || !bytes.Equal(cards[0], cards[1]) {
		t.Error("two runs wrote different files")
	}
	m, err := text.Load(models[0])
	if err != nil {
		t.Fatal(err)
	}
	var s text.Scratch
	if good, bad := m.Score("what a lovely day", &s).Model[text.Toxicity], m.Score("you rotten fool", &s).Model[text.Toxicity]; good >= bad {
		t.Errorf("toxicity of a compliment %.2f, of an insult %.2f", good, bad)
	}
}

func readFile(t *testing.T, folder, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBadInput(t *testing.T) {
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "davidson.csv"), []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code earshot.Code
		says string
	}{
		{nil, earshot.CodeInvalidArgument, "one folder"},
		{[]string{"-bits", "40", "testdata"}, earshot.CodeInvalidArgument, "-bits"},
		{[]string{"-rate", "0", "testdata"}, earshot.CodeInvalidArgument, "-rate"},
		{[]string{t.TempDir()}, earshot.CodeNotFound, "davidson.csv"},
		{[]string{broken}, earshot.CodeInvalidArgument, "no column"},
	} {
		err := run(c.args, io.Discard)
		if earshot.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v, want %s with %q", c.args, err, c.code, c.says)
		}
	}
	var out bytes.Buffer
	if err := run([]string{"-help"}, &out); err == nil || !strings.Contains(out.String(), "-disguises") {
		t.Errorf("-help says %q (%v)", out.String(), err)
	}
}

func TestNearDuplicatesStayTogether(t *testing.T) {
	c, err := readCorpus("testdata")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.checks) == 0 {
		t.Fatal("no HateCheck cases")
	}
	sides := map[int]part{}
	for _, e := range c.examples {
		if e.source == hatecheck {
			t.Fatal("HateCheck is among the examples")
		}
		if p, ok := sides[e.group]; ok && p != e.part {
			t.Errorf("%q is on another side than its group", e.text)
		}
		sides[e.group] = e.part
	}
	pairs := []example{
		{text: "RT @one: the quick brown fox jumps over the lazy dog http://t.co/x"},
		{text: "the quick brown FOX jumps over the lazy dog!!"},
		{text: "something else altogether that has no twin in here"},
		{text: "b", source: hatemoji, slices: []string{"id 7"}, pair: "8"},
		{text: "c", source: hatemoji, slices: []string{"id 8"}, pair: "7"},
	}
	split(pairs)
	if pairs[0].group != pairs[1].group || pairs[0].group == pairs[2].group || pairs[3].group != pairs[4].group {
		t.Errorf("groups %d %d %d %d %d", pairs[0].group, pairs[1].group, pairs[2].group, pairs[3].group, pairs[4].group)
	}
}

func TestFigures(t *testing.T) {
	all := []scored{{0.1, 0, 0}, {0.2, 0, 0}, {0.3, 1, 0}, {0.4, 0, 0}, {0.4, 1, 0}, {0.9, 1, 0}}
	if got, want := auc(all), (2+2.5+3)/9; math.Abs(got-want) > 1e-9 {
		t.Errorf("auc = %v, want %v", got, want)
	}
	var many []scored
	for i := range 1000 {
		many = append(many, scored{score: float64(i) / 1000})
	}
	if _, fpr := rates(append(many, scored{1, 1, 0}), threshold(many, 0.01)); fpr != 0.01 {
		t.Errorf("false positives at the threshold for 1 %%: %v", fpr)
	}
	// Scores that are too sure of themselves by a factor of two.
	var sure []scored
	for i := range 2000 {
		z := float64(i%40-20) / 8
		label := 0
		if float64(i/40)/50 < 1/(1+math.Exp(-z)) {
			label = 1
		}
		sure = append(sure, scored{1 / (1 + math.Exp(-2*z)), label, 0})
	}
	if a, b := platt(sure); math.Abs(a-0.5) > 0.05 || math.Abs(b) > 0.1 {
		t.Errorf("platt = %.3f, %.3f, want 0.5, 0", a, b)
	}
}
