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
	_, near := s.Neighbours("pa_npc", nil)
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
		_, list := s.Neighbours("pa_a", nil)
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
