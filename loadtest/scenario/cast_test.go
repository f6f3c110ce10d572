package scenario

import (
	"testing"
	"time"
)

var origin = time.Unix(1000, 0)

func TestCastIsSeeded(t *testing.T) {
	for _, name := range names() {
		a, _ := Load(name)
		b, _ := Load(name)
		c, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		c.Seed++
		same := true
		for g := range a.Groups {
			i := a.Groups[g].Count / 2
			x, y, z := a.Mover(g, i, origin), b.Mover(g, i, origin), c.Mover(g, i, origin)
			for k := range 100 {
				now := origin.Add(time.Duration(k) * time.Second / 3)
				p := x.Pose(now)
				if q := y.Pose(now); p != q {
					t.Fatalf("%s: the same seed is at %v and %v", name, p, q)
				}
				same = same && p == z.Pose(now)
			}
			if x, y := a.Talking(g, i), b.Talking(g, i); x != nil {
				for range 500 {
					if s, r := x.Next(), y.Next(); s != r {
						t.Fatalf("%s: the same seed says %v and %v", name, s, r)
					}
				}
			}
		}
		if same {
			t.Errorf("%s: another seed moves the same", name)
		}
	}
}

// Of a round one talks at a time, mostly, and its members stand together.
func TestRoundsTalkAndWalkTogether(t *testing.T) {
	s, err := Load("meeting")
	if err != nil {
		t.Fatal(err)
	}
	spoken, double := 0, 0
	for round := range 10 {
		var voices [3000]int
		for i := round * 5; i < round*5+5; i++ {
			talk := s.Talking(0, i)
			for k := range voices {
				if talk.Next().Voice {
					voices[k]++
				}
			}
			first, me := s.Mover(0, round*5, origin), s.Mover(0, i, origin)
			for k := range 60 {
				now := origin.Add(time.Duration(k) * time.Second)
				if d := first.Pose(now).Root.Distance(me.Pose(now).Root); d > 2.5 {
					t.Fatalf("round %d: member %d is %.1f m from the first", round, i, d)
				}
			}
		}
		for _, n := range voices {
			if n > 2 {
				t.Fatalf("round %d: %d talk at once", round, n)
			}
			if n > 0 {
				spoken++
			}
			if n > 1 {
				double++
			}
		}
	}
	if share := float64(double) / float64(spoken); spoken == 0 || share > 0.2 {
		t.Errorf("two talk in %.2f of the time that somebody does", share)
	}
}

func TestLastRoundIsSmaller(t *testing.T) {
	s, err := Load("meeting")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set("count", "52"); err != nil {
		t.Fatal(err)
	}
	// Two remain, who must share the talk between themselves.
	voiced := 0
	for _, i := range []int{50, 51} {
		talk := s.Talking(0, i)
		for range 3000 {
			if talk.Next().Voice {
				voiced++
			}
		}
		s.Mover(0, i, origin).Pose(origin)
	}
	if share := float64(voiced) / 3000; share < 0.6 || share > 1.1 {
		t.Errorf("the last two talk %.2f of the time in all", share)
	}
}

func TestJoinAfter(t *testing.T) {
	s, err := Parse("", []byte(`
name: doors
title: Ways to come
groups:
  - { name: evenly, count: 10, join: { over: 5s } }
  - { name: rate, count: 10, join: { rate: 2 } }
  - { name: storm, count: 10, join: { storm: true } }
  - { name: usual, count: 10 }
`))
	if err != nil {
		t.Fatal(err)
	}
	for g, want := range []time.Duration{4500 * time.Millisecond, 4500 * time.Millisecond, 0, 900 * time.Millisecond} {
		if first, last := s.JoinAfter(g, 0), s.JoinAfter(g, 9); first != 0 || last != want {
			t.Errorf("%s: join after %v to %v, want 0 to %v", s.Groups[g].Name, first, last, want)
		}
	}
	if got := s.JoinedAfter(); got != 4500*time.Millisecond {
		t.Errorf("JoinedAfter = %v", got)
	}
}

func TestEveryTalkKindTalksAsItSays(t *testing.T) {
	for kind, want := range map[string][2]float64{"everyone": {1, 1}, "stage": {1, 1}, "monologue": {0.75, 0.99}, "conversation": {0.05, 0.5}} {
		s, err := Load("smoke")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Set("talk.kind", kind); err != nil {
			t.Fatal(err)
		}
		talk, voiced := s.Talking(0, 1), 0
		for range 5000 {
			if talk.Next().Voice {
				voiced++
			}
		}
		if share := float64(voiced) / 5000; share < want[0] || share > want[1] {
			t.Errorf("%s: talks %.2f of the time, want %v", kind, share, want)
		}
	}
}
