package scenario

import (
	"errors"
	"strings"
	"testing"

	"earshot"
)

// Every problem of a file is told at once, with its line, the field and what
// to write instead.
func TestParseTellsEveryProblem(t *testing.T) {
	const file = `name: My Plaza
title: x
durration: 30s
warmup: 5
duration: 90h
groups:
  - name: people
    count: 0
    slotts: 8
    talk: { kind: conversatoin }
    move: { kind: stand, speed: 3, centre: [1, 2] }
    network: wify
    join: { rate: 5, storm: true }
  - name: people
    count: many
    talk: { kind: everyone, members: 3 }
    camera: { width: 1000 }
    visit_npc: { every: 1s }
    network: { up: { jitter: 5ms } }
slo:
  - voice.latency_ms.p99 is small
`
	_, err := Parse("my.yaml", []byte(file))
	var problems earshot.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("Parse = %v", err)
	}
	for _, want := range []string{
		`my.yaml:3: there is no field "durration"; did you mean duration?`,
		`my.yaml:4: warmup: is "5", want a time with its unit, like 300ms, 20s or 1h30m`,
		`my.yaml:9: groups[0]: there is no field "slotts"; did you mean slots?`,
		`my.yaml:11: groups[0].move.centre: want x, y and z in metres, like [4, 0, -2]`,
		`my.yaml:11: groups[0].move.speed: means nothing to kind stand, only to wander, group and flow: remove it or change the kind`,
		`my.yaml:15: groups[1].count: is "many", want a whole number`,
		`my.yaml:16: groups[1].talk.members: means nothing to kind everyone, only to conversation: remove it or change the kind`,
		`my.yaml:1: name: is "My Plaza", want lower-case letters, digits and -, like my-plaza`,
		`my.yaml:5: duration: is 90h0m0s, want 1s to 24h`,
		`my.yaml:8: groups[0].count: is 0, want 1 to 5000`,
		`my.yaml:10: groups[0].talk.kind: there is no "conversatoin"; did you mean conversation?`,
		`my.yaml:12: groups[0].network: there is no network "wify"; did you mean wifi?`,
		`my.yaml:13: groups[0].join: has more than one of over, rate and storm: keep one`,
		`my.yaml:14: groups[1].name: another group is called people too: give each its own name`,
		`my.yaml:17: groups[1].camera.width: is 1000, want 320, 640 or 1280`,
		`my.yaml:18: groups[1].visit_npc.name: want the id of a character of the world, like mara of the demo world`,
		`my.yaml:19: groups[1].network: up.jitter is 5ms: use 0s to half of delay, 0s here`,
		`my.yaml:21: slo[0]: is "voice.latency_ms.p99 is small", want METRIC OP NUMBER with <=, >=, <, > or ==, like voice.latency_ms.p99 <= 150`,
	} {
		if !strings.Contains(err.Error()+"\n", want+"\n") {
			t.Errorf("not told: %s", want)
		}
	}
	if len(problems) != 18 {
		t.Errorf("%d problems, want 18:\n%v", len(problems), err)
	}
	last := 0
	for _, p := range problems {
		if p.Line < last {
			t.Errorf("not in the order of lines:\n%v", err)
			break
		}
		last = p.Line
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", "", "is empty"},
		{"a list", "- a", "want a mapping"},
		{"a second document", least + "---\nname: b\n", "second document"},
		{"an anchor", "name: &a b\ntitle: *a\n", "anchors"},
		{"a merge", "<<: {name: b}\n", "merging"},
		{"broken YAML", "name: [\n", "did not find"},
		{"not UTF-8", "name: \xff\n", "UTF-8"},
		{"too long", "about: " + strings.Repeat("a", MaxYAML), "at most"},
		{"deep", "groups: " + strings.Repeat("[", 30) + strings.Repeat("]", 30), "nested too deep"},
		{"twice", least + "name: again\n", "twice"},
		{"nobody", "name: a\ntitle: b\n", "nobody takes part"},
		{"too many", strings.Replace(least, "count: 2", "count: 5001", 1), "1 to 5000"},
		{"too many in all", strings.Replace(least, "[{", "[{ name: a, count: 4999 }, {", 1), "5001 people in all"},
		{"null", "name:\ntitle: b\n", `name: is empty, want text`},
		{"not a number", strings.Replace(least, "count: 2", "block: .nan", 1), "want 0 to 1"},
		{"a mapping for a text", "name: {}\n", "is a mapping, want text"},
		{"many layers", strings.Replace(least, "count: 2", "count: 2, camera: { layers: 3, width: 640 }", 1), "take fewer"},
		{"many groups", "name: a\ntitle: b\ngroups:\n" + strings.Repeat("- { count: 1 }\n", 33), "at most 32"},
		{"far", strings.Replace(least, "kind: wander", "kind: flow, near: 20", 1), "nearer"},
	} {
		if s, err := Parse("", []byte(tc.text)); err == nil || !strings.Contains(err.Error(), tc.want) || s != nil {
			t.Errorf("%s: Parse = %v, %v, want an error with %q", tc.name, s, err, tc.want)
		}
	}
}

func TestSuggest(t *testing.T) {
	for _, tc := range []struct{ word, want string }{
		{"wif", "did you mean wifi?"},
		{"WIFI", "did you mean wifi?"},
		{"4", "did you mean 4g?"},
		{"dialup", "there are wifi, 4g and satellite"},
		{"", "there are wifi, 4g and satellite"},
		{strings.Repeat("w", 1000), "there are wifi, 4g and satellite"},
	} {
		if got := suggest(tc.word, []string{"wifi", "4g", "satellite"}); got != tc.want {
			t.Errorf("suggest(%.20q) = %q, want %q", tc.word, got, tc.want)
		}
	}
}

// What is accepted is valid, can be cast and changed, and is within bounds.
func FuzzParse(f *testing.F) {
	f.Add([]byte(least))
	for _, name := range names() {
		text, err := Source(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("groups: [{network: {up: {blackouts: [{from: 1s, for: 1s}]}}, camera: {}, churn: {}, count: 1}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("f", text)
		if err != nil {
			var problems earshot.Problems
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("error %T %v", err, err)
			}
			return
		}
		if s.People() > MaxPeople || s.Validate() != nil {
			t.Fatalf("accepted %+v: %v", s, s.Validate())
		}
		s.fill()
		if err := s.Validate(); err != nil {
			t.Fatalf("filled again: %v", err)
		}
		Describe(s)
		for g := range s.Groups {
			last := s.Groups[g].Count - 1
			if p := s.Mover(g, last, origin).Pose(origin); !p.Root.Finite() {
				t.Fatalf("pose %+v", p)
			}
			if talk := s.Talking(g, last); talk != nil {
				talk.Next()
			}
			if c := s.Groups[g].Camera; c != nil {
				if _, err := c.Film(1); err != nil {
					t.Fatal(err)
				}
			}
			if s.JoinAfter(g, last) < 0 {
				t.Fatal("joins before it begins")
			}
		}
	})
}
