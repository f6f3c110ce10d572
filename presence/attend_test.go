package presence

import (
	"testing"
	"time"

	"earshot"
)

// One whom the server moves is seen moving, knows who is near, and is sent
// nothing.
func TestAttendAndMove(t *testing.T) {
	s := newSpace(t, 10)
	join(t, s, "pa_a", 0)
	if _, err := s.Join("pa_npc", earshot.Standing(earshot.Vec3{X: 3}, 0), epoch); err != nil {
		t.Fatal(err)
	}
	s.Attend("pa_npc")
	now := epoch
	var out Tick
	for i := range 30 {
		now = now.Add(time.Second / 60)
		s.Move("pa_npc", earshot.Standing(earshot.Vec3{X: 3 + float32(i)*0.02}, 0), now)
		s.Tick(now, &out)
		for _, d := range out.Datagrams {
			if d.To != "pa_a" {
				t.Fatalf("Tick sends a datagram to %s, want only to pa_a", d.To)
			}
		}
	}
	_, near := s.Neighbours("pa_npc", nil, nil)
	if len(near) != 1 || near[0].ID != "pa_a" {
		t.Errorf("Neighbours(pa_npc) = %v, want pa_a", near)
	}
	if p, _ := s.Pose("pa_npc"); p.Root.X < 3.5 {
		t.Errorf("Pose(pa_npc).X = %v, want where it was moved to, 3.58", p.Root.X)
	}
	s.Move("pa_nobody", earshot.Standing(earshot.Vec3{}, 0), now)
	if allocs := testing.AllocsPerRun(100, func() {
		s.Move("pa_npc", earshot.Standing(earshot.Vec3{X: 5}, 0), now)
	}); allocs != 0 {
		t.Errorf("Move allocates %v times", allocs)
	}
}

// A shorter view takes those far away out of sets, a longer one brings them in.
func TestSetViewRange(t *testing.T) {
	s := newSpace(t, 10)
	join(t, s, "pa_a", 0)
	join(t, s, "pa_b", 30)
	now := epoch
	near := func() int {
		var out Tick
		for range 4 * 60 {
			now = now.Add(time.Second / 60)
			s.Tick(now, &out)
		}
		_, list := s.Neighbours("pa_a", nil, nil)
		return len(list)
	}
	for _, step := range []struct {
		metres float64
		want   int
	}{{50, 1}, {10, 0}, {40, 1}} {
		if err := s.SetViewRange(step.metres); err != nil {
			t.Fatal(err)
		}
		if got := near(); got != step.want {
			t.Errorf("with a view of %v m pa_a has %d near, want %d", step.metres, got, step.want)
		}
	}
	if err := s.SetViewRange(0); earshot.CodeOf(err) != earshot.CodeInvalidArgument {
		t.Errorf("SetViewRange(0) = %v, want invalid_argument", err)
	}
}

// One who is isolated sees nobody and is seen by nobody, at once and however
// long it lasts, and is back when it ends.
func TestIsolate(t *testing.T) {
	s := newSpace(t, 10)
	join(t, s, "pa_a", 0)
	join(t, s, "pa_b", 3)
	now := epoch
	var out Tick
	tick := func(n int) {
		for range n {
			now = now.Add(time.Second / 60)
			s.Tick(now, &out)
		}
	}
	near := func(id earshot.ParticipantID) int {
		_, list := s.Neighbours(id, nil, nil)
		return len(list)
	}
	tick(60)
	if near("pa_a") != 1 || near("pa_b") != 1 {
		t.Fatal("the two do not see each other")
	}
	s.Isolate("pa_b", true)
	if near("pa_a")+near("pa_b") != 0 || len(s.Within("pa_a", 10, nil))+len(s.Within("pa_b", 10, nil)) != 0 {
		t.Error("after Isolate they still get something of each other")
	}
	tick(1)
	if len(out.Changes) != 2 {
		t.Errorf("Changes %v, want both told", out.Changes)
	}
	tick(120)
	join(t, s, "pa_c", 1)
	tick(120)
	if near("pa_b") != 0 || near("pa_a") != 1 || near("pa_c") != 1 {
		t.Errorf("near: a %d, b %d, c %d, want 1, 0, 1", near("pa_a"), near("pa_b"), near("pa_c"))
	}
	s.Isolate("pa_b", false)
	tick(120)
	if near("pa_b") != 2 {
		t.Errorf("after it ended b sees %d, want 2", near("pa_b"))
	}
}
