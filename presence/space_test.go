package presence

import (
	"testing"
	"time"

	"earshot"
	"earshot/presence/pose"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newSpace(t testing.TB, capacity int) *Space {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Capacity, cfg.Epoch = capacity, epoch
	s, err := NewSpace(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func join(t testing.TB, s *Space, id earshot.ParticipantID, x float32) uint16 {
	t.Helper()
	index, err := s.Join(id, earshot.Standing(earshot.Vec3{X: x}, 0), epoch)
	if err != nil {
		t.Fatal(err)
	}
	s.Ready(id)
	return index
}

// A pose sent before a tick is in the datagram of that very tick.
func TestPoseReachesTheNextTick(t *testing.T) {
	s := newSpace(t, 10)
	a, _ := join(t, s, "pa_a", 0), join(t, s, "pa_b", 3)
	var out Tick
	s.Tick(epoch.Add(time.Millisecond), &out)

	var up pose.Uplink
	moved := earshot.Standing(earshot.Vec3{X: 1}, 0)
	if err := s.PoseUp("pa_a", up.Next(&moved, 77), epoch.Add(10*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	s.Tick(epoch.Add(17*time.Millisecond), &out)
	if len(out.Datagrams) != 1 || out.Datagrams[0].To != "pa_b" {
		t.Fatalf("Tick sends %v, want one datagram to pa_b", out.Datagrams)
	}
	r, err := pose.Open(out.Datagrams[0].Bytes)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := r.Next()
	p, ok := b.Pose()
	if r.Time != 17 || b.Index != a || b.Age != 7 || !ok || p.Root.X != 1 {
		t.Fatalf("datagram at %d: index %d, age %d, %v %v; want 17, %d, 7, x 1", r.Time, b.Index, b.Age, p, ok, a)
	}
}
